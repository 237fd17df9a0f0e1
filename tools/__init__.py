"""Programs for those who work on Bedside; not part of the package."""
