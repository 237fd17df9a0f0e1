"""Erasure by two people, and legal holds: the ledger alone holds them, so there is no table."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing. What is asked, confirmed and held stands in events, which nobody can alter."""
