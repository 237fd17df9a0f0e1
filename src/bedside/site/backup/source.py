"""What is backed up: one moment of the database, then its keys, its packages and its settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, select, table, text

from bedside.clock import Clock, system_clock
from bedside.errors import SiteProblem
from bedside.keys.site_key import SiteKey
from bedside.keys.tables import SCHEMA
from bedside.site.files import BLOBS_FOLDER
from bedside.site.schema import revision
from bedside.site.settings import SETTINGS_FILE, Settings, read_settings
from bedside.site.site import database_url, keys_url
from bedside.site.unlocking import KEYS_FOLDER, unlock
from bedside.store.blobs import Blobs, FolderBlobs
from bedside.store.database import Database

KEYS_TABLE: Final = "subject_keys"
MAX_FILE_BYTES: Final = 1024 * 1024
"""Settings and keys are far smaller; a larger file is none of ours."""

PUBLIC_SUFFIXES: Final = (".pub", ".vkey")
"""Of the files in `keys/` that anybody may read."""

_HEAD = text("SELECT size, root, note FROM ledger_head")
_ARCHIVES = text("SELECT DISTINCT archive FROM registry_versions ORDER BY archive")


@dataclass(frozen=True, slots=True)
class Source:
    """A site as a backup sees it; its schema may be an older one.

    Attributes:
        folder: Of the site.
        settings: What is set in `site.toml`.
        database: Everything but blobs and subject keys.
        keys: The database of the subject keys.
        blobs: The packages' archives.
        site_key: What the files' keys are derived from.
        clock: Tells the time.
    """

    folder: Path
    settings: Settings
    database: Database
    keys: Database
    blobs: Blobs
    site_key: SiteKey
    clock: Clock

    @property
    def keys_schema(self) -> str | None:
        """The schema that holds the subject keys; None on SQLite, where they have a file."""
        return keys_schema(self.keys)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a snapshot shows.

    Attributes:
        schema: Revision of the database's schema.
        size: Entries in the ledger.
        root: The root over them, in hexadecimal.
        note: The signed head.
    """

    schema: str
    size: int
    root: str
    note: str


@contextmanager
def source_of(folder: Path, clock: Clock = system_clock) -> Iterator[Source]:
    """Open what a backup of the site in `folder` reads; its schema may be an older one.

    Raises:
        SiteProblem: no site, or a database or disk that cannot be used.
        KeyUnavailable: the site key is not to be had.
        Unavailable: the database does not answer.
    """
    folder = folder.absolute()
    settings = read_settings(folder / SETTINGS_FILE)
    url = database_url(folder, settings, os.environ)
    with ExitStack() as closing:
        database = Database.open(url)
        closing.callback(database.close)
        keys = Database.open(keys_url(folder, url), pen="bedside-keys", erasing=True)
        closing.callback(keys.close)
        blobs = FolderBlobs(folder / BLOBS_FOLDER)
        site_key = unlock(folder, settings)
        yield Source(folder, settings, database, keys, blobs, site_key, clock)


def keys_schema(keys: Database) -> str | None:
    """Return the schema of the subject keys on PostgreSQL; None on SQLite."""
    return SCHEMA if keys.dialect == "postgresql" else None


def moment_of(connection: Connection) -> Moment:
    """Return what the snapshot of `connection` shows.

    Raises:
        SiteProblem: no site, or one without a record.
    """
    found = revision(connection)
    head = connection.execute(_HEAD).one_or_none() if found else None
    if found is None or head is None:
        raise SiteProblem(
            "The database holds no site, or one without a record.", advice="bedside doctor"
        )
    return Moment(found, int(head.size), bytes(head.root).hex(), str(head.note))


def destroyed_keys(source: Source) -> dict[str, str]:
    """Return when each destroyed subject key was destroyed, by key id."""
    rows = table(KEYS_TABLE, column("key_id"), column("destroyed_at"), schema=source.keys_schema)
    query = select(rows).where(rows.c.destroyed_at.is_not(None))
    with source.keys.read() as connection:
        return {str(row.key_id): str(row.destroyed_at) for row in connection.execute(query)}


def archives_of(connection: Connection) -> list[str]:
    """Return the digests of the packages' archives that the snapshot names."""
    return [str(digest) for digest in connection.execute(_ARCHIVES).scalars()]


def files_of(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the site's files for the data file, and those for the keys file.

    The site key is in neither, however it is kept: `keys/site.*`. The database files of the
    subject keys are not copied; their rows are read.
    """
    keys = [
        path
        for path in sorted((folder / KEYS_FOLDER).iterdir())
        if path.is_file() and not path.name.startswith(("site.", "subjects.db", "."))
    ]
    public = [path for path in keys if path.suffix in PUBLIC_SUFFIXES]
    return [folder / SETTINGS_FILE, *public], [path for path in keys if path not in public]
