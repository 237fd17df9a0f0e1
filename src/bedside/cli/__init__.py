"""The command line: one of the doors. `app` is its table of contents."""

from bedside.cli.app import run

__all__ = ["run"]
