"""Other servers of models with the same model; each runs in a virtual environment of its own."""
