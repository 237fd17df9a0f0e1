"""Makes a generation while the site serves, reads it back, and prunes old ones.

The moment of a generation is that of its snapshot of the database. Keys and packages are read
after it: they are made before an event that needs them, so what the snapshot names is there; and
a key that was destroyed meanwhile is not in it.
"""

from __future__ import annotations

import base64
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import column, select, table

from bedside import __version__
from bedside.canonical import Json
from bedside.clock import timestamp
from bedside.errors import Conflict, SiteProblem, UsageError
from bedside.ledger.events import Draft, EventKind
from bedside.site.backup.forgetting import MADE_FILE, forget_everywhere
from bedside.site.backup.manifest import Manifest, write_manifest
from bedside.site.backup.pages import Shape
from bedside.site.backup.place import Place, age_seconds, generation_name, generation_time, incoming
from bedside.site.backup.plan import BackupSettings, kept
from bedside.site.backup.records import PIECE_BYTES, Record, RecordWriter
from bedside.site.backup.sealed import check_file, written
from bedside.site.backup.source import (
    KEYS_TABLE,
    MAX_FILE_BYTES,
    Moment,
    Source,
    archives_of,
    destroyed_keys,
    files_of,
    moment_of,
    source_of,
)
from bedside.site.backup.tables import PAGE_ROWS, begin_table, shapes, write_page, write_tables
from bedside.site.site import Site
from bedside.site.unlocking import KEYS_FOLDER

WRAPPED_FILE: Final = "site.key.wrapped"
"""The site key as a key management service wrapped it: without that service it opens nothing."""


@dataclass(frozen=True, slots=True)
class Made:
    """A generation that was made, and what that took.

    Attributes:
        manifest: Of the generation.
        seconds: By step: `verified` (the record before it is copied), `written`, `read back`.
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
        SiteProblem: the setting is not an absolute path.
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
        whole = [
            generation
            for generation in place.generations()
            if place.seems_whole(place.read(generation))
        ]
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
        mended = forget_everywhere(place, source.site_key, destroyed_keys(source))
    pruned = prune(place, site.settings.backup)
    if place == Place.of(site.settings.backup):
        (site.folder / MADE_FILE).touch(mode=0o600)
    site.ledger.record(_event(site, door, manifest))
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
    made = source.clock()
    generation = generation_name(made)
    with source.database.read() as connection:
        moment = moment_of(connection)
        header = _header(source, moment, generation, timestamp(made))
        with written(place, "data", header | {"part": "data"}, source.site_key) as data:
            _write_files(source.folder, data.records, keys=False)
            write_tables(connection, data.records)
            archives = archives_of(connection)
            for digest in archives:
                _write_blob(source, digest, data.records)
    with place.publishing():  # from here on an erasure waits, then takes its key out again
        with written(place, "keys", header | {"part": "keys"}, source.site_key) as keys:
            _write_files(source.folder, keys.records, keys=True)
            _write_keys(source, keys.records)
        wrote = time.perf_counter()
        manifest = Manifest(
            generation=generation,
            made=timestamp(made),
            origin=source.settings.origin,
            software=__version__,
            schema=moment.schema,
            dialect=source.database.dialect,
            size=moment.size,
            root=moment.root,
            note=moment.note,
            data=data.sealed,
            keys=keys.sealed,
            unlock=_unlock(source),
            site_key=source.site_key.fingerprint,
        )
        check_file(place, manifest, "keys", source.site_key)
        check_file(place, manifest, "data", source.site_key)
        with incoming(place.manifest_path(generation)) as target:
            target.write(write_manifest(manifest, source.site_key))
    return manifest, {"written": wrote - begun, "read back": time.perf_counter() - wrote}


def _header(source: Source, moment: Moment, generation: str, made: str) -> dict[str, Json]:
    return {
        "dialect": source.database.dialect,
        "generation": generation,
        "ledger": {"note": moment.note, "root": moment.root, "size": moment.size},
        "made": made,
        "origin": source.settings.origin,
        "schema": moment.schema,
        "software": __version__,
    }


def _unlock(source: Source) -> dict[str, Json]:
    chosen = source.settings.model_dump(mode="json").get("keys")
    path = source.folder / KEYS_FOLDER / WRAPPED_FILE
    wrapped = base64.b64encode(_read_file(path)).decode() if path.is_file() else None
    return {"keys": chosen, "wrapped": wrapped}


def _write_files(folder: Path, records: RecordWriter, *, keys: bool) -> None:
    for path in files_of(folder)[1 if keys else 0]:
        data = _read_file(path)
        about: dict[str, Json] = {
            "mode": stat.S_IMODE(path.stat().st_mode),
            "name": str(path.relative_to(folder)),
            "size": len(data),
        }
        records.put_bytes(Record.FILE, about, _pieces(data))


def _write_blob(source: Source, digest: str, records: RecordWriter) -> None:
    data = source.blobs.get(digest)
    records.put_bytes(Record.BLOB, {"digest": digest, "size": len(data)}, _pieces(data))


def _write_keys(source: Source, records: RecordWriter) -> None:
    """Write every subject key, page by page: each page is a moment of its own.

    One long snapshot would keep an erasure from emptying the write-ahead log.
    """
    with source.keys.read() as connection:
        found = [one for one in shapes(connection, source.keys_schema) if one.table == KEYS_TABLE]
    if not found:
        raise SiteProblem("The site has no table of subject keys.", advice="bedside doctor")
    (shape,) = found
    begin_table(records, shape)
    for page in _key_pages(source, shape):
        write_page(records, shape, page)


def _key_pages(source: Source, shape: Shape) -> Iterator[list[tuple[object, ...]]]:
    rows = table(
        shape.table, *(column(name) for name, _ in shape.columns), schema=source.keys_schema
    )
    place, after = [name for name, _ in shape.columns].index("key_id"), ""
    while True:
        query = select(rows).where(rows.c.key_id > after).order_by(rows.c.key_id).limit(PAGE_ROWS)
        with source.keys.read() as connection:
            page = [tuple(row) for row in connection.execute(query)]
        if page:
            yield page
        if len(page) < PAGE_ROWS:
            return
        after = str(page[-1][place])


def _read_file(path: Path) -> bytes:
    data = path.read_bytes() if path.stat().st_size <= MAX_FILE_BYTES else None
    if data is None:
        raise SiteProblem(
            f"{path} has more than {MAX_FILE_BYTES} bytes: it is no key and no settings.",
            advice="Move it elsewhere.",
        )
    return data


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


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
