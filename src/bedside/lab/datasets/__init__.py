"""Data sets by manifest: which files, whose, under which licence; split by patient, not by file."""
