"""The empty machine: a folder and a database that a restore may fill, and empties if it fails."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.schema import DropSchema

from bedside.errors import BedsideError, Conflict, SiteProblem, Unavailable
from bedside.keys.tables import SCHEMA
from bedside.site.backup.tables import HISTORY_TABLE
from bedside.site.settings import SETTINGS_FILE, Settings, parse_settings, write_settings
from bedside.store.database import Database
from bedside.store.disk import replace_file, sync_folder

MARK: Final = ".restoring"
"""A folder with this file and without settings is what an interrupted restore left."""

_DATABASE = re.compile(r"^\[database\][^\n]*\n(?:(?!\[)[^\n]*(?:\n|\Z))*", re.MULTILINE)
_URL = re.compile(r"^url\s*=[^\n]*\n?", re.MULTILINE)


@contextmanager
def empty_folder(folder: Path) -> Iterator[None]:
    """Give a folder that a site may be put into; it is emptied again if that fails.

    What a killed restore left is removed first. The folder becomes a site by `settle`.

    Raises:
        Conflict: a site is there, or another restore is under way.
        SiteProblem: something else is there, or it cannot be made.
    """
    if (folder / SETTINGS_FILE).exists():
        raise Conflict(f"There is a site in {folder} already.", advice="Name an empty folder.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.name != MARK for path in folder.iterdir()) and not (folder / MARK).exists():
            raise SiteProblem(f"{folder} is not empty.", advice="Name an empty folder.")
        handle = os.open(folder / MARK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as problem:
        raise SiteProblem(
            f"{folder} cannot be made: {problem.strerror}.",
            advice="Choose a folder that this account may write to.",
        ) from problem
    try:
        _lock(handle, folder)
        _clear(folder)
        with _emptied_on_failure(folder):
            yield
    finally:
        os.close(handle)


def settle(folder: Path, settings: str) -> None:
    """Make a filled folder a site: its settings appear whole and last.

    Raises:
        SiteProblem: they cannot be written.
    """
    try:
        replace_file(folder / SETTINGS_FILE, settings.encode("utf-8"), 0o600)
        sync_folder(folder.parent)
    except OSError as problem:
        raise SiteProblem(
            f"{folder / SETTINGS_FILE} cannot be written: {problem.strerror}.",
            advice="Look at the disk's free space and rights.",
        ) from problem


@dataclass(slots=True)
class Target:
    """A database that had no tables when it was looked at.

    Attributes:
        database: It.
        ours: Whether all that is in it now was committed by this restore; set by whoever did.
    """

    database: Database
    ours: bool = False


@contextmanager
def empty_database(url: str) -> Iterator[Target]:
    """Give a database without tables; those that are ours are dropped again if that fails.

    Another process may fill it meanwhile: whoever fills it looks again (`refuse_tables`) in the
    transaction that does.

    Raises:
        Conflict: there are tables in it.
        SiteProblem: it cannot be used.
        Unavailable: it does not answer.
    """
    database = Database.open(url)
    try:
        with database.read() as connection:
            refuse_tables(connection, database)
        target = Target(database)
        try:
            yield target
        except BaseException:
            if target.ours:
                _drop_everything(database)
            raise
    finally:
        database.close()


def with_database(settings_text: str, url: str | None) -> str:
    """Return the text of a `site.toml` that names another database; None: a file in the folder.

    Remarks and everything else stay, unless the table is written in an unusual way.

    Raises:
        SiteProblem: the text cannot be read.
    """
    before = parse_settings(settings_text, SETTINGS_FILE)
    wanted = before.model_copy(update={"database": before.database.model_copy(update={"url": url})})
    if wanted == before:
        return settings_text
    line = "" if url is None else f"url = {json.dumps(url)}\n"

    def rewrite(found: re.Match[str]) -> str:
        head, _, rest = found[0].partition("\n")
        return f"{head}\n{line}{_URL.sub('', rest)}"

    after = _DATABASE.sub(rewrite, settings_text)
    if not _DATABASE.search(settings_text):
        after = settings_text.rstrip("\n") + f"\n\n[database]\n{line}"
    return after if _reads_as(after, wanted) else write_settings(wanted)


def _reads_as(settings_text: str, wanted: Settings) -> bool:
    try:
        return parse_settings(settings_text, SETTINGS_FILE) == wanted
    except BedsideError:
        return False


@contextmanager
def _emptied_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        _clear(folder)
        raise Unavailable(
            f"{folder} cannot be filled: {problem.strerror or problem}.",
            advice="Nothing was left. Look at the disk's free space and rights.",
        ) from problem
    except BaseException:
        _clear(folder)
        raise
    finally:
        (folder / MARK).unlink(missing_ok=True)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        raise Conflict(
            f"Another restore fills {folder} at this moment.", advice="Wait until it is done."
        ) from problem


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()


def refuse_tables(connection: Connection, database: Database) -> None:
    """Do nothing if there are no tables.

    Raises:
        Conflict: there are some.
    """
    inspector = inspect(connection)
    found = inspector.get_table_names()
    if database.dialect == "postgresql" and inspector.has_schema(SCHEMA):
        found += [f"{SCHEMA}.{name}" for name in inspector.get_table_names(SCHEMA)]
    if found:
        raise Conflict(
            f"The database {database.name} is not empty: it has {', '.join(sorted(found)[:3])} …",
            advice="Name an empty database. If an interrupted restore left this one, drop it.",
        )


def _drop_everything(database: Database) -> None:
    with database.write() as connection:
        known = MetaData()
        known.reflect(connection)
        known.drop_all(connection)
        connection.execute(text(f"DROP TABLE IF EXISTS {HISTORY_TABLE}"))
        if database.dialect == "postgresql":
            connection.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))
