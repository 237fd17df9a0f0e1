"""Backups: the whole site in two encrypted files, and the way back (docs/spec/backup.md)."""
