"""Lesion candidates: white-matter lesions that are drawn, and a network that learns to find them."""
