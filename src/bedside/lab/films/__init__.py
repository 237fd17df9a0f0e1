"""Chest films that show nobody: drawn from a seed, with and without an opacity, to try the whole way on."""
