from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bedside.errors import SiteProblem
from bedside.site.schema import (
    MIGRATIONS,
    check_schema,
    differences,
    known_revisions,
    upgrade,
)
from bedside.store.database import Database


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database without a table, of each kind."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


def test_the_migrated_schema_is_the_one_that_the_rooms_declare(empty: Database) -> None:
    upgrade(empty)
    with empty.read() as connection:
        assert differences(connection) == []
    check_schema(empty)


def test_the_revisions_are_those_of_the_migrations() -> None:
    steps = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert known_revisions() == tuple(step.revision for step in steps)


def test_a_difference_is_noticed(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as connection:
        connection.execute(text("ALTER TABLE people ADD COLUMN nickname TEXT"))
        connection.execute(text("DROP TABLE ledger_fences"))
    with empty.read() as connection:
        found = " ".join(differences(connection))
    assert "nickname" in found
    assert "ledger_fences" in found


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as connection:
        connection.execute(text("INSERT INTO ledger_fences VALUES ('release:x', 3)"))
    upgrade(empty)
    with empty.read() as connection:
        assert connection.execute(text("SELECT value FROM ledger_fences")).scalar() == 3
        assert differences(connection) == []


def test_an_upgrade_that_fails_leaves_nothing_behind(empty: Database) -> None:
    with empty.write() as connection:
        connection.execute(text("CREATE TABLE registry_releases (x TEXT)"))
    with pytest.raises(Exception, match="registry_releases"):
        upgrade(empty)
    with empty.read() as connection:
        assert connection.dialect.get_table_names(connection) == ["registry_releases"]


def test_an_empty_database_holds_no_site(empty: Database) -> None:
    with pytest.raises(SiteProblem, match="holds no site"):
        check_schema(empty)


def test_a_schema_of_another_release_is_told(empty: Database) -> None:
    upgrade(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SiteProblem) as problem:
        check_schema(empty)
    assert "9999" in problem.value.message
    assert "newer Bedside" in problem.value.advice
