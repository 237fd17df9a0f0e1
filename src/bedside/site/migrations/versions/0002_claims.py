"""Claims: who sends a request twice gets the first answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of claims; there is no way back: a record is not unmade."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ledger_claims",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_event_id", sa.Text(), nullable=False),
        sa.Column("events", kind, nullable=False, autoincrement=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_claims")),
    )
    op.create_index(op.f("ix_ledger_claims_at"), "ledger_claims", ["at"])
