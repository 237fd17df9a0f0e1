"""Tables of this room: a view of the ledger's events, written in the same transactions."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text

from bedside.store.schema import metadata

versions = Table(
    "registry_versions",
    metadata,
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("archive", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("registered_by", Text, nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("model", "version"),
)

approvals = Table(
    "registry_approvals",
    metadata,
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("number", Integer, nullable=False),  # 1 for the first approval of a version
    Column("person_id", Text, nullable=False),
    Column("person_name", Text, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("model", "version", "person_id"),
    ForeignKeyConstraint(
        ["model", "version"], ["registry_versions.model", "registry_versions.version"]
    ),
)

releases = Table(
    "registry_releases",
    metadata,
    Column("model", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("act", Text, nullable=False),
    Column("version", Text),  # NULL: from this epoch on, nothing answers
    Column("digest", Text),
    Column("since", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("model", "epoch"),
)
