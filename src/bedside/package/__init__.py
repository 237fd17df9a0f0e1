"""The frozen model's format: one `.bedside` file, read without executing anything.

`package.open_package` is the door in; `docs/spec/package.md` is the full text.
"""
