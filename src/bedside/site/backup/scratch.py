"""The folder of a drill, and what a killed one left in it: living keys of persons, among others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bedside.errors import Conflict, KeyUnavailable, Unavailable
from bedside.keys.files import destroy_secret
from bedside.site.backup.place import locked
from bedside.site.unlocking import KEYS_FOLDER

FOLDER: Final = ".drill"
"""In the site's folder, as private as the site itself, and on a disk that has room for another."""

_LOCK: Final = f"{FOLDER}.lock"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give a folder for a copy of the site in `folder`, which is thrown away when the block is left.

    Raises:
        Conflict: another drill is under way.
        Unavailable: what is there cannot be removed.
    """
    with locked(folder / _LOCK, wait=False) as alone:
        if not alone:
            raise Conflict("Another drill is under way.", advice="Wait until it is done.")
        _clear(folder / FOLDER)  # what a killed drill left
        try:
            yield folder / FOLDER
        finally:
            _clear(folder / FOLDER)


def sweep_scratch(folder: Path) -> bool:
    """Remove what a killed drill left; return whether nothing of a drill is there now.

    Raises:
        Unavailable: it cannot be removed.
    """
    if not (folder / FOLDER).exists():
        return True
    with locked(folder / _LOCK, wait=False) as alone:
        if alone:
            _clear(folder / FOLDER)
        return alone


def _clear(copies: Path) -> None:
    try:
        for path in list(copies.glob(f"*/{KEYS_FOLDER}/*")):
            if path.is_file() and not path.is_symlink():
                destroy_secret(path)
        if copies.exists():
            shutil.rmtree(copies)
    except (OSError, KeyUnavailable) as problem:
        raise Unavailable(
            f"The copy of a drill in {copies} cannot be removed: {problem}.",
            advice="There are keys in it: remove it by hand.",
        ) from problem
