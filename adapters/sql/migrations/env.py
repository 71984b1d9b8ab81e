"""Alembic's entry point: runs the migrations on the connection that `migrate` passes in."""

from alembic import context

from adapters.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
