"""`python -m bedside.site.backup FOLDER`: the service's own backup, in a process of its own.

People use `bedside backup`. This makes a generation if one is due, and leaves with 0 if all is
well, whether it was due or not; with 1 and a sentence if it could not be made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bedside.errors import BedsideError
from bedside.site.backup.making import back_up_if_due, place_of
from bedside.site.site import Site

NICE = 10
"""Who serves goes before who copies."""


def main(arguments: Sequence[str]) -> int:
    """Make a generation of the site in the one folder named, if it is due; return the exit code."""
    try:
        (folder,) = arguments
    except ValueError:
        return _said("Name one site's folder.", 2)
    os.nice(NICE)
    try:
        with Site.open(Path(folder)) as site:
            made = back_up_if_due(site, place_of(site.settings.backup))
    except BedsideError as problem:
        return _said(str(problem), 1)
    return _said("not due" if made is None else made.manifest.generation, 0)


def _said(words: str, code: int) -> int:
    sys.stdout.write(words + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
