"""What Alembic runs: the connection comes from `migrate`, which holds the lock and the transaction."""

from alembic import context

from trading_node.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="unified_schema_revision",
)
with context.begin_transaction():
    context.run_migrations()
