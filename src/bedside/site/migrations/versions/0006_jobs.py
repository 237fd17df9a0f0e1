"""Durable jobs, and what they work on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the schema; there is no way back: a record is not unmade."""
    _jobs()
    _uploads()


def _jobs() -> None:
    op.create_table(
        "jobs",
        _text("id", "a UUID, version 7: later ones are larger"),
        _text("kind"),
        _text("about", "what works on it, such as a model's name"),
        _text("person", "id of who asked"),
        _text("key_id", "of the subject key of its files"),
        _text("upload", "id of what it works on"),
        sa.Column("claim", sa.Text(), comment="keyed digest of what makes a repeat known"),
        _text("state"),
        _text("stage"),
        _number("done"),
        _number("total"),
        _number("memory", "bytes that it may take"),
        _number("attempts", "that were begun and count"),
        _number("restarts", "that were begun and do not count"),
        _number("cancelled", "1: somebody wants it to end"),
        _text("holder", "who works on it; empty: nobody"),
        _text("held_until", "after that, somebody else may"),
        _text("created_at"),
        _text("ended_at", "empty: not yet"),
        _text("code", "why it ended as it did, in a word"),
        _sealed("request"),
        sa.Column("outcome", sa.LargeBinary(), comment="sealed under the subject key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("claim", name=op.f("uq_jobs_claim")),
    )
    for columns in (["key_id"], ["upload"], ["state", "id"], ["ended_at"]):
        op.create_index(op.f("_".join(["ix_jobs", *columns])), "jobs", columns)


def _uploads() -> None:
    op.create_table(
        "job_uploads",
        _text("id"),
        _text("person", "id of who sent it"),
        _text("key_id"),
        _number("size", "bytes of the sealed file"),
        _text("created_at"),
        _text("kept_until", "longer for an unfinished job"),
        _sealed("about"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_uploads")),
    )
    for name in ("key_id", "kept_until"):
        op.create_index(op.f(f"ix_job_uploads_{name}"), "job_uploads", [name])


def _text(name: str, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, comment=comment)


def _number(name: str, comment: str | None = None) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, nullable=False, autoincrement=False, comment=comment)


def _sealed(name: str) -> sa.Column[bytes]:
    comment = "sealed under the subject key"
    return sa.Column(name, sa.LargeBinary(), nullable=False, comment=comment)
