"""The folder of an MLflow model: read as data; only what it names inside of itself is followed."""
