"""The tables of a database, whatever their schema's age: read page by page, and filled again.

Names and kinds of columns are asked of the database itself and not of the rooms, so that a site of
an older schema is backed up and restored as it is, and brought up to date afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Inspector,
    Integer,
    LargeBinary,
    TableClause,
    Text,
    column,
    insert,
    inspect,
    select,
    table,
)
from sqlalchemy.types import TypeEngine

from bedside.canonical import Json
from bedside.errors import SiteProblem
from bedside.site.backup.pages import Kind, Shape, Value, encode_page
from bedside.site.backup.records import Record, RecordWriter

PAGE_ROWS: Final = 128
"""Rows read, written and held at once; an event has at most a mebibyte, and usually two kibibytes."""

HISTORY_TABLE: Final = "alembic_version"
"""What Alembic writes; the header of a backup says the same."""


def shapes(connection: Connection, schema: str | None = None) -> tuple[Shape, ...]:
    """Return the tables of a database, each after those that it refers to.

    Raises:
        SiteProblem: a column of a kind that a backup cannot hold.
    """
    inspector = inspect(connection)
    names = [name for name, _ in inspector.get_sorted_table_and_fkc_names(schema) if name]
    return tuple(
        Shape(name, tuple(_columns(inspector, name, schema)))
        for name in names
        if name != HISTORY_TABLE
    )


def write_tables(connection: Connection, records: RecordWriter, schema: str | None = None) -> None:
    """Write every table of one moment of the database.

    Raises:
        SiteProblem: a value of another kind than its column's.
    """
    inspector = inspect(connection)
    for shape in shapes(connection, schema):
        begin_table(records, shape)
        order = inspector.get_pk_constraint(shape.table, schema)["constrained_columns"]
        rows = _table(shape, schema)
        query = select(rows).order_by(*(rows.c[name] for name in order))
        found = connection.execute(query, execution_options={"yield_per": PAGE_ROWS})
        for part in found.partitions(PAGE_ROWS):
            write_page(records, shape, part)


def begin_table(records: RecordWriter, shape: Shape) -> None:
    """Say which table comes."""
    records.put_json(Record.TABLE, shape.document())


def write_page(records: RecordWriter, shape: Shape, rows: Any) -> None:
    """Write rows of the table that was begun."""
    records.put(Record.PAGE, encode_page(shape, rows))


def fill(
    connection: Connection, shape: Shape, rows: list[tuple[Value, ...]], schema: str | None = None
) -> None:
    """Put the rows of one page into a table."""
    if rows:
        names = [name for name, _ in shape.columns]
        values: list[dict[str, Json]] = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(insert(_table(shape, schema)), values)


def refuse_other_shape(connection: Connection, shape: Shape, schema: str | None = None) -> None:
    """Check that a table with these columns is there.

    Raises:
        SiteProblem: it is not, or a column is missing or of another kind.
    """
    inspector = inspect(connection)
    there = inspector.has_table(shape.table, schema)
    present = dict(_columns(inspector, shape.table, schema)) if there else {}
    for name, kind in shape.columns:
        if present.get(name) != kind:
            raise SiteProblem(
                f"The backup has a column {shape.table}.{name} of kind {kind}, and its schema has "
                f"{present.get(name, 'none')}.",
                advice="Restore it with the Bedside that made it, or a later one.",
            )


def _columns(inspector: Inspector, name: str, schema: str | None) -> Iterator[tuple[str, Kind]]:
    for found in inspector.get_columns(name, schema):
        yield found["name"], _kind(f"{name}.{found['name']}", found["type"])


def _kind(place: str, found: TypeEngine[Any]) -> Kind:
    if isinstance(found, Integer):  # BIGINT is one too
        return "integer"
    if isinstance(found, Text):
        return "text"
    if isinstance(found, LargeBinary):
        return "bytes"
    raise SiteProblem(f"A backup cannot hold the column {place} of type {found}.")


def _table(shape: Shape, schema: str | None) -> TableClause:
    # without types: what the database holds is what a backup gets
    return table(shape.table, *(column(name) for name, _ in shape.columns), schema=schema)
