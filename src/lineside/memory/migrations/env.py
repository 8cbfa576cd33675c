"""Alembic's entry: runs the steps on the connection that it is given."""

from __future__ import annotations

from alembic import context

from lineside.memory.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata", metadata),
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
