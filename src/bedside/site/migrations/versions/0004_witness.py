"""What this site has seen of other ledgers, as their witness, and who has seen its own."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the schema; there is no way back: a record is not unmade."""
