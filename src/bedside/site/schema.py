"""The schema of a site's database: brought up to date on purpose, checked on every opening."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

import bedside.keys.tables
import bedside.ledger.tables
import bedside.people.tables
import bedside.registry.tables  # noqa: F401 - each import registers its room's tables
from bedside.errors import SiteProblem
from bedside.store.database import Database
from bedside.store.schema import metadata

MIGRATIONS: Final = Path(__file__).parent / "migrations"
UPGRADE_ADVICE: Final = "Back up the site, then run `bedside init --upgrade` with this --site."


def every_table() -> MetaData:
    """Return the shared metadata, with the tables of every room in it."""
    return metadata


def upgrade(database: Database) -> None:
    """Bring the schema up to date, in one transaction; a schema that is so already is left alone."""
    with database.write() as connection:
        command.upgrade(_config(connection), "head")


def check_schema(database: Database) -> None:
    """Check that the schema is the one that this Bedside knows.

    Raises:
        SiteProblem: the database is older, newer, or empty.
    """
    with database.read() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    expected = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if present == expected:
        return
    if present is None:
        raise SiteProblem(
            f"The database {database.name} holds no site.", advice="Make one with `bedside init`."
        )
    known = {step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    advice = UPGRADE_ADVICE if present in known else "Install the newer Bedside that made it."
    raise SiteProblem(
        f"The database's schema is {present}; this Bedside needs {expected}.", advice=advice
    )


def differences(connection: Connection) -> list[str]:
    """Return where the present schema differs from the tables that the rooms declare."""
    context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
    return [str(difference) for difference in compare_metadata(context, metadata)]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
