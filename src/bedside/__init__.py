"""Bedside takes a medical AI model from the laboratory to the bedside, and keeps it safe there."""

__version__ = "0.1.0"
