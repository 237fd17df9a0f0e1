"""The tables of this room; decision 15 says what stands in them, and why it is so little."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from bedside.store.schema import metadata

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True, comment="a UUID, version 7: later ones are larger"),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False, comment="what works on it, such as a model's name"),
    Column("person", Text, nullable=False, comment="id of who asked"),
    Column("key_id", Text, nullable=False, index=True, comment="of the subject key of its files"),
    Column("upload", Text, nullable=False, index=True, comment="id of what it works on"),
    Column("claim", Text, unique=True, comment="keyed digest of what makes a repeat known"),
    Column("state", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("done", _NUMBER, nullable=False),
    Column("total", _NUMBER, nullable=False),
    Column("memory", _NUMBER, nullable=False, comment="bytes that it may take"),
    Column("attempts", _NUMBER, nullable=False, comment="that were begun and count"),
    Column("restarts", _NUMBER, nullable=False, comment="that were begun and do not count"),
    Column("cancelled", _NUMBER, nullable=False, comment="1: somebody wants it to end"),
    Column("holder", Text, nullable=False, comment="who works on it; empty: nobody"),
    Column("held_until", Text, nullable=False, comment="after that, somebody else may"),
    Column("created_at", Text, nullable=False),
    Column("ended_at", Text, nullable=False, comment="empty: not yet"),
    Column("code", Text, nullable=False, comment="why it ended as it did, in a word"),
    Column("request", LargeBinary, nullable=False, comment="sealed under the subject key"),
    Column("outcome", LargeBinary, comment="sealed under the subject key"),
    Index(None, "state", "id"),
    Index(None, "ended_at"),
)

job_uploads = Table(
    "job_uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False, comment="id of who sent it"),
    Column("key_id", Text, nullable=False, index=True),
    Column("size", _NUMBER, nullable=False, comment="bytes of the sealed file"),
    Column("created_at", Text, nullable=False),
    Column("kept_until", Text, nullable=False, index=True, comment="longer for an unfinished job"),
    Column("about", LargeBinary, nullable=False, comment="sealed under the subject key"),
)
