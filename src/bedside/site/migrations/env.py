"""What Alembic runs: the steps, on the connection that `site.schema` holds open."""

from __future__ import annotations

from alembic import context

from bedside.site.schema import every_table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=every_table())
with context.begin_transaction():
    context.run_migrations()
