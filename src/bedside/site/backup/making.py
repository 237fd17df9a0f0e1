"""Makes a generation while the site serves, reads it back, and prunes old ones.

The moment of a generation is that of its snapshot of the database. Keys and packages are read
after it: they are made before an event that needs them, so what the snapshot names is there; and
a key that was destroyed meanwhile is not in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bedside import __version__
from bedside.canonical import Json
from bedside.clock import timestamp
from bedside.errors import Conflict, UsageError
from bedside.ledger.events import Draft, EventKind
from bedside.site.backup.copying import unlocking, write_blob, write_files, write_keys
from bedside.site.backup.forgetting import MADE_FILE, forget_everywhere
from bedside.site.backup.manifest import Manifest, SealedFile, write_manifest
from bedside.site.backup.place import Place, age_seconds, generation_name, generation_time, incoming
from bedside.site.backup.plan import BackupSettings, kept
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
        Unavailable: the database or the backup folder cannot be used now.
    """
    place.prepare()
    with place.busy() as alone:
        _refuse_company(place, alone=alone)
        return _back_up(site, place, door)


def back_up_if_due(site: Site, place: Place) -> Made | None:
    """Do the same if the newest generation is old enough and no other process is at it; else None.

    Raises:
        LedgerBroken, SiteProblem, Unavailable: as `back_up`.
    """
    place.prepare()
    with place.busy() as alone:
        if not alone:
            return None
        newest = place.newest()
        every = site.settings.backup.every.total_seconds()
        if newest is not None and age_seconds(newest, site.clock()) < every:
            return None
        return _back_up(site, place, "system")


def back_up_unopened(folder: Path, place: Place) -> Manifest:
    """Make a generation of a site that this Bedside may be too new to open; nothing is recorded.

    Raises:
        Conflict: another process makes a backup there at this moment.
        SiteProblem: no site, or a package is damaged or missing.
        KeyUnavailable: the site key is not to be had.
        Unavailable: the database or the backup folder cannot be used now.
    """
    place.prepare()
    with place.busy() as alone, source_of(folder) as source:
        _refuse_company(place, alone=alone)
        return _make(source, place)[0]


def prune(place: Place, settings: BackupSettings) -> tuple[str, ...]:
    """Remove the generations that no rule keeps, and return their names.

    Only generations whose files are there count; the newest of them is always kept. Others, which
    are damaged, stay for a person to look at.

    Raises:
        Unavailable: the folder cannot be used.
    """
    with place.publishing():
        whole = [one for one in place.generations() if place.is_good(one)]
        staying = kept([generation_time(one) for one in whole], settings)
        gone = tuple(one for one in whole if generation_time(one) not in staying)
        for generation in gone:
            place.remove(generation)
    return gone


def _back_up(site: Site, place: Place, door: str) -> Made:
    begun = time.perf_counter()
    site.verify()
    verified = time.perf_counter() - begun
    with source_of(site.folder, site.clock) as source:
        manifest, seconds = _make(source, place)
        if place == Place.of(site.settings.backup):
            (site.folder / MADE_FILE).touch(mode=0o600)
        site.ledger.record(_event(site, door, manifest))
        pruned = prune(place, site.settings.backup)
        mended = forget_everywhere(place, source.site_key, destroyed_keys(source))
    return Made(manifest, {"verified": verified, **seconds}, pruned, mended)


def _refuse_company(place: Place, *, alone: bool) -> None:
    if not alone:
        raise Conflict(
            f"Another process makes a backup in {place.folder}.", advice="Wait until it is done."
        )


def _make(source: Source, place: Place) -> tuple[Manifest, dict[str, float]]:
    with place.publishing():
        place.sweep()
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
    while place.manifest_path(generation_name(at)).exists():
        at += timedelta(microseconds=1)
    return at


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
