"""The schema of a site's database: brought up to date on purpose, checked on every opening.

Alembic is imported where it migrates or compares. A service that opens a site only asks for the present
revision, and is spared a seventh of a second and ten MB.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, MetaData, text

import bedside.jobs.tables
import bedside.keys.tables
import bedside.ledger.tables
import bedside.people.tables
import bedside.registry.tables  # noqa: F401 - each import registers its room's tables
from bedside.errors import SiteProblem
from bedside.store.database import Database
from bedside.store.schema import metadata

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"
REVISIONS: Final = ("0006", "0005", "0004", "0003", "0002", "0001")
"""Every revision of the history, the newest first; a test holds it against the migrations."""

UPGRADE_ADVICE: Final = "Back up the site, then run `bedside init --upgrade` with this --site."


def every_table() -> MetaData:
    """Return the shared metadata, with the tables of every room in it."""
    return metadata


def upgrade(database: Database) -> None:
    """Bring the schema up to date, in one transaction; a schema that is so already is left alone."""
    with database.write() as connection:
        upgrade_to(connection, "head")


def upgrade_to(connection: Connection, wanted: str) -> None:
    """Bring the schema to a revision of its history, in the caller's `database.write()`.

    Raises:
        SiteProblem: this Bedside does not know that revision, or the present one.
    """
    known = known_revisions()
    for name in (revision(connection), wanted):
        if name not in (None, "head", *known):
            raise SiteProblem(
                f"The schema {name} is not known here; the newest that is, is {known[0]}.",
                advice="Install the newer Bedside that made it.",
            )
    from alembic import command  # noqa: PLC0415 - see the module

    command.upgrade(_config(connection), wanted)


def revision(connection: Connection) -> str | None:
    """Return the revision of the present schema, or None where there is none."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def known_revisions() -> tuple[str, ...]:
    """Return every revision of the history, the newest first."""
    return REVISIONS


def check_schema(database: Database) -> None:
    """Check that the schema is the one that this Bedside knows.

    Raises:
        SiteProblem: the database is older, newer, or empty.
    """
    with database.read() as connection:
        present = revision(connection)
    expected = known_revisions()[0]
    if present == expected:
        return
    if present is None:
        raise SiteProblem(
            f"The database {database.name} holds no site.", advice="Make one with `bedside init`."
        )
    advice = (
        UPGRADE_ADVICE
        if present in known_revisions()
        else "Install the newer Bedside that made it."
    )
    raise SiteProblem(
        f"The database's schema is {present}; this Bedside needs {expected}.", advice=advice
    )


def differences(connection: Connection) -> list[str]:
    """Return where the present schema differs from the tables that the rooms declare."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - see the module
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
    return [str(difference) for difference in compare_metadata(context, metadata)]


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see the module

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
