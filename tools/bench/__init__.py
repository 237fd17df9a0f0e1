"""Measures Bedside; `make bench` writes docs/benchmarks.md."""
