"""Measures what was found in a volume: how much, how large, where, in how many pieces, how exactly."""
