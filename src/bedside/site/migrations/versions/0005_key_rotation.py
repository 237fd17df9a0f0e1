"""API keys that take the place of others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the schema; there is no way back: a record is not unmade."""
    for name in ("closes_at", "replaces"):
        op.add_column("api_keys", sa.Column(name, sa.Text(), nullable=True))
