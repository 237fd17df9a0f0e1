"""The ledger's tables. docs/spec/ledger.md says what each column must be for a record to be whole."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from bedside.store.schema import metadata

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # there INTEGER is 64 bits, and the row id

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False, comment="of the tree that ends with this entry"),
    Index(None, "about", "position"),
    Index(None, "kind", "position"),
)

ledger_nodes = Table(
    "ledger_nodes",
    metadata,
    Column("level", _NUMBER, primary_key=True, autoincrement=False),
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("size", _NUMBER, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    Column("checkpoints", _NUMBER, nullable=False),
    Column("note", Text, nullable=False, comment="the signed head: a checkpoint of size and root"),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("size", _NUMBER, nullable=False, unique=True),
    Column("note", Text, nullable=False),
)

ledger_fences = Table(
    "ledger_fences",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", _NUMBER, nullable=False),
)
