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

ledger_claims = Table(
    "ledger_claims",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first_event_id", Text, nullable=False),
    Column("events", _NUMBER, nullable=False),
    Column("at", Text, nullable=False, index=True),
)

witnesses = Table(
    "witnesses",
    metadata,
    Column("name", Text, primary_key=True, comment="as in site.toml"),
    Column("address", Text, nullable=False),
    Column("size", _NUMBER, nullable=False, comment="what it saw last, as far as is known here"),
    Column("note", Text, nullable=False, comment="that checkpoint, with its signature if it signs"),
    Column("seen_at", Text, nullable=False, comment="when it was last reached and agreed"),
    Column("sending_until", Text, nullable=False, comment="until then one process sends"),
    Column("next_at", Text, nullable=False, comment="after a failure: not before"),
    Column("failures", _NUMBER, nullable=False, comment="since it was last reached"),
    Column("trouble", Text, nullable=False, comment="why it was not reached, in words"),
    Column("refused", Text, nullable=False, comment="why it refused, in words"),
    Column("accepted", _NUMBER, nullable=False, comment="the size that somebody said is lost"),
)

witnessed_logs = Table(
    "witnessed_logs",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("vkey", Text, nullable=False),
    Column("size", _NUMBER, nullable=False, comment="of the checkpoint cosigned last"),
    Column("note", Text, nullable=False, comment="that checkpoint; empty before the first"),
    Column("seen_at", Text, nullable=False),
    Column("added_by", Text, nullable=False, comment="a person's id"),
    Column("added_at", Text, nullable=False),
)

witness_refusals = Table(
    "witness_refusals",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("why", Text, nullable=False),
    Column("request", Text, nullable=False, comment="as it came"),
    Column("at", Text, nullable=False),
)
