"""Measures packages: masks against references, scores against answers; tables, curves and pictures."""
