"""Tables of this room. The ledger is the record of who changed what; these rows are the present state."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from bedside.store.schema import metadata

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("roles", Text, nullable=False),  # names in alphabetical order, one space between
    Column("active", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
    Column("closes_at", Text),  # of a key whose place another took: the end of their overlap
    Column("replaces", Text),  # the id of the key whose place it took
    Index("ix_api_keys_person_id", "person_id"),
)

refused_sign_ins = Table(
    "refused_sign_ins",
    metadata,
    Column("minute", Text, primary_key=True),  # 2026-11-21T08:00
    Column("refused", Integer, nullable=False),
)
