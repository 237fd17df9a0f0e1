"""NIfTI-1 and NIfTI-2 files: header, geometry, values."""
