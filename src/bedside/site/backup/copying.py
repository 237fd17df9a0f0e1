"""Writes what a site has besides its database into a generation: files, packages, subject keys."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import column, select, table

from bedside.canonical import Json
from bedside.errors import SiteProblem
from bedside.site.backup.pages import Shape
from bedside.site.backup.records import PIECE_BYTES, Record, RecordWriter
from bedside.site.backup.source import KEYS_TABLE, MAX_FILE_BYTES, Source, files_of
from bedside.site.backup.tables import PAGE_ROWS, begin_table, shapes, write_page
from bedside.site.unlocking import KEYS_FOLDER

WRAPPED_FILE: Final = "site.key.wrapped"
"""The site key as a key management service wrapped it: without that service it opens nothing."""


def unlocking(source: Source) -> dict[str, Json]:
    """Return what a manifest tells of how the site key is got; there is no secret in it."""
    chosen = source.settings.model_dump(mode="json").get("keys")
    path = source.folder / KEYS_FOLDER / WRAPPED_FILE
    wrapped = base64.b64encode(_read_file(path)).decode() if path.is_file() else None
    return {"keys": chosen, "wrapped": wrapped}


def write_files(folder: Path, records: RecordWriter, *, keys: bool) -> None:
    """Write the files of the site's folder that belong into the keys file, or into the data file.

    Raises:
        SiteProblem: one is far too large for what it should be.
    """
    for path in files_of(folder)[1 if keys else 0]:
        data = _read_file(path)
        about: dict[str, Json] = {
            "mode": stat.S_IMODE(path.stat().st_mode),
            "name": str(path.relative_to(folder)),
            "size": len(data),
        }
        records.put_bytes(Record.FILE, about, _pieces(data))


def write_blob(source: Source, digest: str, records: RecordWriter) -> None:
    """Write a package's archive.

    Raises:
        NotFound: it is missing.
        SiteProblem: it is damaged.
    """
    data = source.blobs.get(digest)
    records.put_bytes(Record.BLOB, {"digest": digest, "size": len(data)}, _pieces(data))


def write_keys(source: Source, records: RecordWriter) -> None:
    """Write every subject key, page by page: each page is a moment of its own.

    One long snapshot would keep an erasure from emptying the write-ahead log.

    Raises:
        SiteProblem: their table is missing.
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
