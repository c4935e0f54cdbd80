"""Alembic's entry: migrate the connection that it was handed, in its own transaction."""

from alembic import context

from verifier.ledger.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
