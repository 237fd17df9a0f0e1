"""Makes a generation while the site serves, reads it back, and prunes old ones.

The moment of a generation is that of its snapshot of the database. Keys and packages are read
after it: they are made before an event that needs them, so what the snapshot names is there; and
a key that was destroyed meanwhile is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bedside import __version__
from bedside.canonical import Json
from bedside.clock import timestamp
from bedside.errors import Conflict, UsageError
from bedside.ledger.events import Draft, EventKind
from bedside.site.backup.copying import unlocking, write_blob, write_files, write_keys
from bedside.site.backup.forgetting import forget_everywhere
from bedside.site.backup.job_files import write_job_files
from bedside.site.backup.manifest import PARTS, Manifest, SealedFile, write_manifest
from bedside.site.backup.mounted import note_made, refuse_unmounted
from bedside.site.backup.place import (
    Place,
    age_seconds,
    ahead,
    generation_name,
    generation_time,
    incoming,
)
from bedside.site.backup.plan import BackupSettings, kept
from bedside.site.backup.remains import drop_remains
from bedside.site.backup.sealed import check_file, written
from bedside.site.backup.source import (
    Moment,
    Source,
    archives_of,
    destroyed_keys,
    moment_of,
    source_of,
)
from bedside.site.backup.tables import write_tables
from bedside.site.settings import Settings
from bedside.site.site import Site


@dataclass(frozen=True, slots=True)
class Made:
    """A generation that was made, and what that took.

    Attributes:
        manifest: Of the generation.
        seconds: By step: `verified` (the record, before it is copied), `written` and `read back`
            (the data file), `keys` (both for the keys file).
        pruned: Generations that retention removed.
        mended: Generations out of which destroyed keys were taken.
    """

    manifest: Manifest
    seconds: dict[str, float]
    pruned: tuple[str, ...]
    mended: tuple[str, ...]


def place_of(settings: BackupSettings, folder: Path | None = None) -> Place:
    """Return `folder`, or else the place that is set.

    Raises:
        UsageError: neither is there.
    """
    place = Place.at(folder) if folder is not None else Place.of(settings)
    if place is None:
        raise UsageError(
            "There is nowhere to back up to.",
            advice='Name a folder with --to, or write into site.toml: [backup] folder = "/…".',
        )
    return place


def back_up(site: Site, place: Place, door: str = "system") -> Made:
    """Make a generation of an opened site, verify it, prune, and record it.

    The record is verified first: a broken one is never put in the place of good generations.

    Args:
        site: Which serves on meanwhile, here or in other processes.
        place: Where to.
        door: The way in of whoever asked.

    Raises:
        Conflict: another process makes a backup there at this moment.
        LedgerBroken: the record is not whole; nothing was written.
        SiteProblem: a package is damaged or missing.
        Unavailable: the database or the backup folder cannot be used now, or its disk is not
            mounted.
    """
    with _entered(site.folder, site.settings, place) as (own, alone):
        _refuse_company(place, alone=alone)
        return _back_up(site, own, door)


def back_up_if_due(site: Site, place: Place) -> Made | None:
    """Do the same if the newest generation is old enough and no other process is at it; else None.

    Raises:
        LedgerBroken, SiteProblem, Unavailable: as `back_up`.
    """
    with _entered(site.folder, site.settings, place) as (own, alone):
        if not alone:
            return None
        now = site.clock()
        newest = own.newest(now)
        every = site.settings.backup.every.total_seconds()
        if newest is not None and age_seconds(newest, now) < every:
            return None
        return _back_up(site, own, "system")


def back_up_unopened(folder: Path, place: Place) -> Manifest:
    """Make a generation of a site that this Bedside may be too new to open; nothing is recorded.

    Raises:
        Conflict: another process makes a backup there at this moment.
        SiteProblem: no site, or a package is damaged or missing.
        KeyUnavailable: the site key is not to be had.
        Unavailable: the database or the backup folder cannot be used now, or its disk is not
            mounted.
    """
    with (
        source_of(folder) as source,
        _entered(source.folder, source.settings, place) as (own, alone),
    ):
        _refuse_company(place, alone=alone)
        return _make(source, own)[0]


def prune(place: Place, settings: Settings, now: datetime, made: str = "") -> tuple[str, ...]:
    """Remove the site's generations that no rule keeps, and return their names.

    Only generations whose files are there count; the newest of them is always kept. Others, which
    are damaged or claim to be of the future, stay for a person to look at.

    Args:
        place: Where they are; those of other sites there are left alone.
        settings: The site's.
        now: The time.
        made: The generation that was made just now, which stays whatever the clock said before.

    Raises:
        Unavailable: the folder cannot be used.
    """
    own = place.belonging_to(settings.origin)
    with own.publishing():
        whole = [one for one in own.generations() if own.is_good(one) and not ahead(one, now)]
        staying = kept([generation_time(one) for one in whole], settings.backup)
        gone = tuple(one for one in whole if one != made and generation_time(one) not in staying)
        for generation in gone:
            own.remove(generation)
    return gone


@contextmanager
def _entered(folder: Path, settings: Settings, place: Place) -> Iterator[tuple[Place, bool]]:
    """Give the site's own generations in a place, and whether this process alone makes some there.

    Raises:
        Unavailable: the folder cannot be used, or its disk is not mounted; nothing was written.
    """
    own = place.belonging_to(settings.origin)
    refuse_unmounted(folder, settings.backup, own)
    own.prepare()
    with own.busy() as alone:
        if alone:
            note_made(folder, settings.backup, own)
        yield own, alone


def _back_up(site: Site, place: Place, door: str) -> Made:
    begun = time.perf_counter()
    site.verify()
    verified = time.perf_counter() - begun
    with source_of(site.folder, site.clock) as source:
        manifest, seconds = _make(source, place)
        site.ledger.record(_event(site, door, manifest))
        pruned = prune(place, site.settings, site.clock(), manifest.generation)
        mended = forget_everywhere(place, source.site_key, destroyed_keys(source))
    return Made(manifest, {"verified": verified, **seconds}, pruned, mended)


def _refuse_company(place: Place, *, alone: bool) -> None:
    if not alone:
        raise Conflict(
            f"Another process makes a backup in {place.folder}.", advice="Wait until it is done."
        )


def _make(source: Source, place: Place) -> tuple[Manifest, dict[str, float]]:
    with place.publishing():
        drop_remains(place)
    begun = time.perf_counter()
    made = _moment_not_taken(source.clock(), place)
    with source.database.read() as connection:
        moment = moment_of(connection)
        header = _header(source, moment, made)
        with written(place, "data", header | {"part": "data"}, source.site_key) as data:
            write_files(source.folder, data.records, keys=False)
            write_tables(connection, data.records)
            for digest in archives_of(connection):
                write_blob(source, digest, data.records)
            write_job_files(connection, source.folder, data.records)
    wrote = time.perf_counter()
    manifest = _manifest(source, header, data.sealed)
    check_file(place, manifest, "data", source.site_key)
    seconds = {"written": wrote - begun, "read back": time.perf_counter() - wrote}
    with place.publishing():  # from here on an erasure waits, then takes its key out again
        begun = time.perf_counter()
        with written(place, "keys", header | {"part": "keys"}, source.site_key) as keys:
            write_files(source.folder, keys.records, keys=True)
            write_keys(source, keys.records)
        manifest = replace(manifest, keys=keys.sealed)
        check_file(place, manifest, "keys", source.site_key)
        with incoming(place.manifest_path(manifest.generation)) as target:
            target.write(write_manifest(manifest, source.site_key))
        seconds["keys"] = time.perf_counter() - begun
    return manifest, seconds


def _moment_not_taken(at: datetime, place: Place) -> datetime:
    while _is_taken(generation_name(at), place):
        at += timedelta(microseconds=1)
    return at


def _is_taken(generation: str, place: Place) -> bool:
    paths = (place.manifest_path(generation), *(place.part_path(generation, p) for p in PARTS))
    return any(path.exists() for path in paths)


def _manifest(source: Source, header: dict[str, Json], data: SealedFile) -> Manifest:
    """Return the manifest without its keys file, which is not there yet."""
    ledger = header["ledger"]
    return Manifest(
        generation=header["generation"],
        made=header["made"],
        origin=header["origin"],
        software=header["software"],
        schema=header["schema"],
        dialect=header["dialect"],
        size=ledger["size"],
        root=ledger["root"],
        note=ledger["note"],
        data=data,
        keys=SealedFile(0, ""),
        unlock=unlocking(source),
        site_key=source.site_key.fingerprint,
    )


def _header(source: Source, moment: Moment, made: datetime) -> dict[str, Json]:
    return {
        "dialect": source.database.dialect,
        "generation": generation_name(made),
        "ledger": {"note": moment.note, "root": moment.root, "size": moment.size},
        "made": timestamp(made),
        "origin": source.settings.origin,
        "schema": moment.schema,
        "software": __version__,
    }


def _event(site: Site, door: str, manifest: Manifest) -> Draft:
    return Draft(
        kind=EventKind.BACKUP,
        about=site.settings.id,
        actor="system",
        door=door,
        body={
            "act": "made",
            "data": {"digest": manifest.data.digest, "size": manifest.data.size},
            "generation": manifest.generation,
            "keys": {"digest": manifest.keys.digest, "size": manifest.keys.size},
            "root": manifest.root,
            "size": manifest.size,
        },
    )
