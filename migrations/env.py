"""What alembic runs: the revisions, on the connection and in the transaction that `wharf.db.migrate` opened."""

import importlib

from alembic import context

from wharf.db.metadata import metadata

# Each room that keeps rows; tests/migrations fails when one is forgotten.
for room in ("accounts", "audit", "content", "jobs"):
    importlib.import_module(f"wharf.{room}.tables")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
    render_as_batch=True,  # SQLite alters a table by writing it anew
    user_module_prefix="types.",
)
with context.begin_transaction():
    context.run_migrations()
