"""Erasure by two people, and legal holds."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the schema; there is no way back: a record is not unmade."""
