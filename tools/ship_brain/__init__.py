"""From a training run to the package of brain extraction that comes with Bedside."""
