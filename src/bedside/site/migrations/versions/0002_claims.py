"""Claims: who sends a request twice gets the first answer."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the schema; there is no way back: a record is not unmade."""
