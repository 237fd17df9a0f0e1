"""Every hostile file, and a good one of each kind: `python -m tests.hostile.corpus FOLDER`.

Nothing here is random and nothing is kept: the files are made anew for each test run.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from tests.hostile.hostile import Hostile
from tests.hostile.networks import networks
from tests.hostile.packages import packages
from tests.hostile.pickles import pickles
from tests.hostile.pictures import pictures
from tests.hostile.texts import texts
from tests.hostile.volumes import volumes


def made() -> tuple[Hostile, ...]:
    """Make the whole corpus; every name stands once."""
    found = (*packages(), *networks(), *pickles(), *pictures(), *volumes(), *texts())
    names = [one.name.casefold() for one in found]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    return found


corpus = cache(made)
"""The whole corpus, made once in a process."""


def write_corpus(folder: Path) -> tuple[Hostile, ...]:
    """Write the whole corpus into `folder`; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = corpus()
    for one in found:
        (folder / one.name).write_bytes(one.data)
    return found


if __name__ == "__main__":
    written = write_corpus(Path(sys.argv[1]))
    hostile = [one for one in written if one.says is not None]
    print(f"{len(hostile)} hostile files and {len(written) - len(hostile)} good ones")  # noqa: T201
