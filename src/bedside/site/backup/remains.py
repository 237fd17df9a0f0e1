"""What interrupted backups left: files of a generation that never got its manifest.

A file is removed only if it says itself that it is of this site, and lies where its generation was
being made. The keys files of a disk that is not mounted, of another folder or of another site have
no manifest here either: they are whole, and stay.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bedside.canonical import read_json
from bedside.errors import BedsideError
from bedside.keys.stream import read_line
from bedside.site.backup.place import INCOMING, Place, reached

_FILE: Final = re.compile(
    rf"(?P<incoming>{re.escape(INCOMING)})?bedside-(?P<generation>\d{{8}}T\d{{12}}Z)"
    r"\.(?P<part>json|data|keys)"
)


def drop_remains(place: Place, *, keys_alone: bool = False) -> None:
    """Remove what interrupted backups left; only while nobody else publishes.

    Args:
        place: Where, and whose; one that belongs to no site has no remains.
        keys_alone: Leave other files, which somebody may be writing; else `busy` must be held.

    Raises:
        Unavailable: a folder cannot be read or written.
    """
    if not place.origin:
        return
    parts = {"keys"} if keys_alone else {"json", "data", "keys"}
    whole = set(place.everybodys())
    found = [
        path
        for folder in {place.folder, place.keys_folder}
        for path in _files(folder, parts)
        if _is_left_over(path, place, whole)
    ]
    for path in sorted(
        found, key=lambda one: one.suffix != ".keys"
    ):  # by their data are they known
        with reached(path.parent):
            path.unlink(missing_ok=True)


def _files(folder: Path, parts: set[str]) -> list[Path]:
    with reached(folder):
        return [
            path
            for path in folder.iterdir()
            if (named := _FILE.fullmatch(path.name)) and named["part"] in parts and path.is_file()
        ]


def _is_left_over(path: Path, place: Place, whole: set[str]) -> bool:
    named = _FILE.fullmatch(path.name)
    if named is None:
        return False
    if named["incoming"]:  # in the folder of manifests, nobody else is at work now
        origin = _origin_of(path)
        return origin == place.origin or (not origin and path.parent == place.folder)
    return (
        named["part"] != "json"
        and named["generation"] not in whole
        and place.part_path(named["generation"], "data").is_file()
        and _origin_of(path) == place.origin
    )


def _origin_of(path: Path) -> str:
    """Return the ledger that the clear first line of a file names; empty where it names none."""
    try:
        with reached(path.parent), path.open("rb") as source:
            return str(read_json(read_line(source, path.name))["origin"])
    except (BedsideError, KeyError, TypeError):
        return ""
