"""Takes destroyed subject keys out of every generation: an erasure reaches the backups too.

A keys file is written anew, under a new key of its own, with the row left as a destroyed one: so a
restored site says that the person was erased, and not that a key is missing. The ids of forgotten
keys (random UUIDs, which say nothing) are kept beside the generations, for a keys file that comes
back from somewhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bedside.canonical import canonical_bytes, read_json
from bedside.clock import system_clock, timestamp
from bedside.errors import BedsideError, SiteProblem, Unavailable
from bedside.keys.site_key import SiteKey
from bedside.site.backup.manifest import Manifest, SealedFile, write_manifest
from bedside.site.backup.mounted import MADE_FILE, not_there
from bedside.site.backup.pages import Shape, Value, decode_page, encode_page
from bedside.site.backup.place import Place, incoming, reached
from bedside.site.backup.records import Record, document_of
from bedside.site.backup.remains import drop_remains
from bedside.site.backup.scratch import sweep_scratch
from bedside.site.backup.sealed import check_file, measured, opened, written
from bedside.site.settings import Settings

FORGOTTEN_FILE: Final = "bedside-forgotten.json"
UPGRADE_FOLDER: Final = "before-upgrade"
"""In the site's folder: where a backup is made before an upgrade when no other place is set."""

MAX_FORGOTTEN_BYTES: Final = 256 * 2**20
"""Some six million keys."""


def forget_keys(
    folder: Path, settings: Settings, site_key: SiteKey, key_ids: Sequence[str]
) -> tuple[str, ...]:
    """Take destroyed keys out of every generation of the site in `folder`; it may be repeated.

    Destroy the keys first: a backup that is being made at that moment reads them late, and this
    waits until its keys file is whole. What a killed drill left is removed, too.

    Returns:
        The generations whose keys file was written anew.

    Raises:
        Unavailable: a generation or its folder cannot be reached or written, or a drill is under
            way; the message names it. The keys may still be in it: repeat.
    """
    at = timestamp(system_clock())
    found: list[str] = []
    for place in places(folder, settings):
        found += forget_everywhere(place, site_key, dict.fromkeys(key_ids, at))
    # last: a drill that begins from here on reads generations without these keys
    if not sweep_scratch(folder):
        raise Unavailable(
            "Destroyed keys may still be in the copy of a drill, which is under way.",
            advice="Repeat when it is done.",
        )
    return tuple(found)


def places(folder: Path, settings: Settings) -> tuple[Place, ...]:
    """Return every place in which a site has generations that it knows of.

    Raises:
        Unavailable: generations were made where the settings say, and the folder is not there.
    """
    chosen = Place.of(settings.backup)
    if chosen is not None and (folder / MADE_FILE).exists() and not chosen.was_used():
        raise not_there(folder, chosen)
    upgrades = Place.at(folder / UPGRADE_FOLDER)
    here = (upgrades,) if upgrades.folder.is_dir() else ()
    found = here if chosen is None else (chosen, *here)
    return tuple(place.belonging_to(settings.origin) for place in found)


def forgotten(place: Place) -> dict[str, str]:
    """Return when each forgotten key was destroyed, by key id.

    Raises:
        Unavailable: the folder cannot be read.
        SiteProblem: the list is damaged.
    """
    path = place.folder / FORGOTTEN_FILE
    if not path.exists():
        return {}
    with reached(place.folder):
        if path.stat().st_size > MAX_FORGOTTEN_BYTES:
            raise SiteProblem(f"{path} has more than {MAX_FORGOTTEN_BYTES} bytes.")
        data = path.read_bytes()
    try:
        told = read_json(data)["keys"]
        return {str(key): str(at) for key, at in told.items()}
    except (BedsideError, KeyError, TypeError, AttributeError) as problem:
        raise SiteProblem(
            f"{path} is damaged.", advice="Remove it: the next backup writes it anew."
        ) from problem


def forget_everywhere(
    place: Place, site_key: SiteKey, destroyed: dict[str, str]
) -> tuple[str, ...]:
    """Take destroyed keys out of every generation in one place; see `forget_keys`.

    Args:
        place: Where the generations are.
        site_key: Theirs.
        destroyed: When each key was destroyed (RFC 3339), by key id.

    Raises:
        Unavailable: a generation cannot be read or written; the message names it.
    """
    if not place.folder.is_dir():
        return ()
    with place.publishing():
        drop_remains(place, keys_alone=True)
        known = forgotten(place)
        fresh = {key: at for key, at in destroyed.items() if key not in known}
        if not fresh:
            return ()
        mended = tuple(one for one in place.generations() if _mend(place, one, site_key, fresh))
        with incoming(place.folder / FORGOTTEN_FILE) as target:
            target.write(canonical_bytes({"keys": known | fresh}) + b"\n")
    return mended


def _mend(place: Place, generation: str, site_key: SiteKey, destroyed: dict[str, str]) -> bool:
    try:
        manifest = place.checked(generation, site_key)
        sealed = measured(place.part_path(generation, "keys"))
        stricken = _holds(place, manifest, site_key, destroyed)
        if stricken:
            sealed = _rewrite(place, manifest, site_key, destroyed)
        if sealed != manifest.keys:  # rewritten now, or by a call that was interrupted here
            check_file(place, replace(manifest, keys=sealed), "keys", site_key)
            with incoming(place.manifest_path(generation)) as target:
                target.write(write_manifest(replace(manifest, keys=sealed), site_key))
    except BedsideError as problem:
        raise Unavailable(
            f"Destroyed keys may still be in the generation {generation}: {problem.message}",
            advice=f"{problem.advice} Then repeat; or remove the generation.".lstrip(),
        ) from problem
    return stricken


def _holds(place: Place, manifest: Manifest, site_key: SiteKey, destroyed: Collection[str]) -> bool:
    """Return whether a destroyed key is alive in a generation."""
    with opened(place, manifest, "keys", site_key, exact=False) as records:
        shape = None
        for kind, payload in records:
            if kind is Record.TABLE:
                shape = Shape.read(document_of(payload))
            elif kind is Record.PAGE and shape is not None:
                rows = decode_page(shape, payload)
                if any(_is_alive(shape, row, destroyed) for row in rows):
                    return True
    return False


def _rewrite(
    place: Place, manifest: Manifest, site_key: SiteKey, destroyed: dict[str, str]
) -> SealedFile:
    """Write a keys file anew without the destroyed keys, and tell of it."""
    with opened(place, manifest, "keys", site_key, exact=False) as records:
        kind, header = next(records)
        with written(place, "keys", document_of(header), site_key) as writing:
            for kind, payload in without(records, destroyed):
                writing.records.copy(kind, payload)
    return writing.sealed


def without(
    records: Iterator[tuple[Record, bytes]], destroyed: dict[str, str]
) -> Iterator[tuple[Record, bytes]]:
    """Yield the records of a keys file with destroyed keys as what they are: gone."""
    shape = None
    for kind, payload in records:
        if kind is Record.TABLE:
            shape = Shape.read(document_of(payload))
        if kind is not Record.PAGE or shape is None:
            yield kind, payload
            continue
        rows = [_gone(shape, row, destroyed) for row in decode_page(shape, payload)]
        yield kind, encode_page(shape, rows)


def _is_alive(shape: Shape, row: Sequence[Value], destroyed: Collection[str]) -> bool:
    names = [name for name, _ in shape.columns]
    return row[names.index("key_id")] in destroyed and row[names.index("wrapped")] is not None


def _gone(shape: Shape, row: Sequence[Value], destroyed: dict[str, str]) -> tuple[Value, ...]:
    if not _is_alive(shape, row, destroyed):
        return tuple(row)
    names = [name for name, _ in shape.columns]
    at = destroyed[str(row[names.index("key_id")])]
    dead: dict[str, Value] = {"wrapped": None, "lookup": None, "destroyed_at": at}
    return tuple(dead.get(name, value) for name, value in zip(names, row, strict=True))
