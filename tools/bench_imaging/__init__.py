"""Measures volumes: what each step of an analysis costs, and our readers beside others."""
