"""The driver's own connection keeps every promise that the other one gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.exc import IntegrityError

from bedside.errors import SiteProblem, UsageError
from bedside.store.database import Database
from bedside.store.reader import Reader
from bedside.store.statement import AnyOf, Statement
from bedside.store.wire import Wire

notes = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("word", Text, nullable=False, unique=True),
)
ADD = Statement.inserting("notes", ("id", "word"))
ALL = Statement("SELECT id, word FROM notes ORDER BY id")
WORDS = AnyOf("SELECT word FROM notes WHERE word", most=4)


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    with database.write() as connection:
        notes.metadata.create_all(connection)
    yield database
    database.close()


def add(database: Database, number: int, word: str) -> None:
    with database.writing() as wire:
        assert wire.change(ADD, (number, word)) == 1


def words(database: Database) -> list[str]:
    return [row[1] for row in database.ask(ALL)]


def test_what_is_written_is_read_here_and_by_another(opened: Database, database_url: str) -> None:
    add(opened, 1, "one")
    add(opened, 2, "two")
    assert words(opened) == ["one", "two"]
    other = Database.open(database_url)
    assert words(other) == ["one", "two"]
    other.close()


class Oops(Exception):
    pass


def test_an_exception_rolls_everything_back_and_the_next_one_writes(opened: Database) -> None:
    def half_way() -> None:
        with opened.writing() as wire:
            wire.change(ADD, (1, "one"))
            raise Oops

    with pytest.raises(Oops):
        half_way()
    assert words(opened) == []
    add(opened, 2, "two")
    assert words(opened) == ["two"]


def test_a_broken_constraint_stays_what_it_is_and_tells_no_values(opened: Database) -> None:
    add(opened, 1, "secret")
    with pytest.raises(IntegrityError) as problem:
        add(opened, 2, "secret")
    assert "[parameters" not in str(problem.value)
    add(opened, 2, "two")
    assert words(opened) == ["secret", "two"]


def test_a_missing_table_is_a_problem_of_the_site(opened: Database) -> None:
    for act in (opened.ask, lambda s: _change(opened, s)):
        with pytest.raises(SiteProblem, match="does not have the tables of this version"):
            act(Statement("SELECT * FROM nowhere"))


def _change(database: Database, statement: Statement) -> None:
    with database.writing() as wire:
        wire.change(statement)


def test_a_write_inside_a_write_is_refused(opened: Database) -> None:
    with opened.writing(), pytest.raises(UsageError, match="inside a write"), opened.write():
        pass
    with opened.write(), pytest.raises(UsageError, match="inside a write"), opened.writing():
        pass
    add(opened, 1, "still works")


def test_both_ways_of_writing_exclude_each_other(opened: Database, database_url: str) -> None:
    other, top = Database.open(database_url), Statement("SELECT count(*) FROM notes")

    def by_wire(database: Database) -> None:
        for _ in range(20):
            with database.writing() as wire:
                count = wire.rows(top)[0][0]
                wire.change(ADD, (count + 1, str(count + 1)))

    def by_connection(database: Database) -> None:
        for _ in range(20):
            with database.write() as connection:
                wire = Wire.of(connection)
                count = wire.rows(top)[0][0]
                wire.change(ADD, (count + 1, str(count + 1)))

    threads = [
        threading.Thread(target=way, args=(database,))
        for way in (by_wire, by_connection)
        for database in (opened, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row[0] for row in opened.ask(ALL)] == list(range(1, 81))
    other.close()


def test_a_reader_sees_one_moment_and_cannot_write(opened: Database) -> None:
    add(opened, 1, "one")
    reader = Reader(opened.reader_address())
    assert reader.rows(ALL) == [(1, "one")]
    add(opened, 2, "two")
    assert reader.rows(ALL) == [(1, "one")]
    with pytest.raises(Exception, match=r"read-?only"):
        reader.rows(ADD, (3, "three"))
    reader.close()
    assert words(opened) == ["one", "two"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 9])
def test_any_number_of_values_is_asked_for(opened: Database, count: int) -> None:
    for number in range(10):
        add(opened, number, f"word {number}")
    wanted = [f"word {number}" for number in range(count)]
    asked = list(WORDS.parts(wanted))
    assert {len(values) for _, values in asked} <= {1, 2, 4}
    found = {row[0] for statement, values in asked for row in opened.ask(statement, values)}
    assert found == set(wanted)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # its server counts them
def test_no_connection_is_left_behind(opened: Database, database_url: str) -> None:
    add(opened, 0, "zero")
    other = Database.open(database_url)
    count = Statement("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    before = other.ask(count)[0][0]
    third = Database.open(database_url)
    add(third, 1, "one")
    assert other.ask(count)[0][0] > before
    third.close()
    for _ in range(200):  # a server notices by and by
        if other.ask(count)[0][0] == before:
            break
        threading.Event().wait(0.02)
    assert other.ask(count)[0][0] == before
    other.close()
