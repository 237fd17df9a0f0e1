"""What this site has seen of other ledgers, as their witness, and who has seen its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the schema; there is no way back: a record is not unmade."""
    op.create_table(
        "witnesses",
        _text("name", comment="as in site.toml"),
        _text("address"),
        _number("size", comment="what it saw last, as far as is known here"),
        _text("note", comment="that checkpoint, with its signature if it signs"),
        _text("seen_at", comment="when it was last reached and agreed"),
        _text("sending_until", comment="until then one process sends"),
        _text("next_at", comment="after a failure: not before"),
        _number("failures", comment="since it was last reached"),
        _text("trouble", comment="why it was not reached, in words"),
        _text("refused", comment="why it refused, in words"),
        _number("accepted", comment="the size that somebody said is lost"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_witnesses")),
    )
    op.create_table(
        "witnessed_logs",
        _text("origin"),
        _text("vkey"),
        _number("size", comment="of the checkpoint cosigned last"),
        _text("note", comment="that checkpoint; empty before the first"),
        _text("seen_at"),
        _text("added_by", comment="a person's id"),
        _text("added_at"),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_witnessed_logs")),
    )
    op.create_table(
        "witness_refusals",
        _text("origin"),
        _number("size"),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        _text("why"),
        _text("request", comment="as it came"),
        _text("at"),
        sa.PrimaryKeyConstraint("origin", "size", "root", name=op.f("pk_witness_refusals")),
    )


def _text(name: str, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, comment=comment)


def _number(name: str, comment: str | None = None) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, nullable=False, autoincrement=False, comment=comment)
