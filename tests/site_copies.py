"""A site that is built once and put back for each test, with its database, on either kind.

A test gets a site of its own in the time that opening takes. People and their secrets are those of
the original. On PostgreSQL one database serves all of them: making one takes half a second, putting
the rows back hundredths.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from bedside.clock import Clock, system_clock
from bedside.site.site import DATABASE_VARIABLE, Site
from tests import bedside_site, postgres
from tests.bedside_site import Hospital

_DATABASE = "bedside.db"
_TABLES = (
    "SELECT schemaname, tablename FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)


@dataclass(frozen=True)
class Original:
    """A site that is closed and stays as it is.

    Attributes:
        folder: Holds the site's folder and, on SQLite, its database.
        hospital: Its people; the site is closed.
        url: Where its database is.
        rows: On PostgreSQL, what each table held; nothing on SQLite.
    """

    folder: Path
    hospital: Hospital
    url: str
    rows: Mapping[tuple[str, str], bytes]

    @contextmanager
    def copied(self, folder: Path, clock: Clock = system_clock) -> Iterator[Hospital]:
        """Give a copy in `folder`, open, and the variable that names its database set.

        On PostgreSQL the last copy must be closed by then: they share a database.
        """
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        url = self.url if self.rows else f"sqlite:///{folder}/{_DATABASE}"
        if self.rows:
            _put_back(url, self.rows)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(DATABASE_VARIABLE, url)
            hospital = replace(self.hospital, site=Site.open(folder / "site", clock))
            try:
                yield hospital
            finally:
                hospital.site.close()


def original(
    folder: Path,
    fill: Callable[[Hospital], Hospital],
    server: postgres.Server | None = None,
    clock: Clock = system_clock,
) -> Original:
    """Build a site in `folder`, let `fill` put into it what every copy has, and close it."""
    url = f"sqlite:///{folder}/{_DATABASE}" if server is None else server.new_database()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDSIDE_ALLOW_TMPFS", "1")
        patch.setenv(DATABASE_VARIABLE, url)
        built = fill(bedside_site.build(folder / "site", clock))
        built.site.close()
    return Original(folder, built, url, {} if server is None else _taken(url))


def _taken(url: str) -> dict[tuple[str, str], bytes]:
    """Return every row of a PostgreSQL database, by schema and table."""
    with _connected(url) as connection:
        names = connection.execute(_TABLES).fetchall()
        found = {}
        for schema, table in names:
            query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))
            with connection.cursor().copy(query) as copy:
                found[schema, table] = b"".join(bytes(part) for part in copy)
    return found


def _put_back(url: str, rows: Mapping[tuple[str, str], bytes]) -> None:
    with _connected(url) as connection:
        connection.execute("SET LOCAL lock_timeout = '20s'")
        connection.execute("SET LOCAL session_replication_role = replica")  # in any order
        for name in rows:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*name)))
        for name, held in rows.items():
            query = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*name))
            with connection.cursor().copy(query) as copy:
                copy.write(held)


def _connected(url: str) -> psycopg.Connection[tuple[str, ...]]:
    parts = make_url(url)
    return psycopg.connect(f"host={parts.query['host']} user=postgres dbname={parts.database}")
