"""The tables of this room: trusted keys beside everything else, subject keys on their own."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text

from bedside.store.schema import metadata

SCHEMA = "bedside_keys"
"""Where the subject keys live on PostgreSQL; on SQLite they have a file of their own."""

trusted_keys = Table(
    "trusted_keys",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("public", Text, nullable=False, comment="PEM"),
    Column("name", Text, nullable=False),
    Column("trusted_by", Text, nullable=False, comment="a person's id"),
    Column("trusted_at", Text, nullable=False),
    Column("revoked_by", Text),
    Column("revoked_at", Text),
)


def subject_keys_table(schema: str | None) -> Table:
    """Return the table of subject keys, in a `MetaData` of its own: backups do not follow it."""
    return Table(
        "subject_keys",
        MetaData(),
        Column("key_id", Text, primary_key=True),
        Column("lookup", Text, unique=True, comment="HMAC of the subject; null: none, or gone"),
        Column("wrapped", LargeBinary, comment="null: destroyed"),
        Column("created_at", Text, nullable=False),
        Column("destroyed_at", Text),
        schema=schema,
    )
