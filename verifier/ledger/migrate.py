"""Bringing a ledger's schema up to what this version of landed works with."""

from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, inspect, select, text

from verifier.ledger.database import Database
from verifier.ledger.errors import LedgerError, LedgerTooNew
from verifier.ledger.schema import VERSION_TABLE, meta

MIGRATIONS = Path(__file__).parent / "migrations"

HEAD = "0007"
"""The last migration that this version knows."""


def prepare(
    database: Database, now: datetime, migrations: Path = MIGRATIONS, head: str = HEAD
) -> None:
    """Make the ledger ready for use: create it, or migrate it where it is older.

    Of several that open it at once one migrates and the others wait. Raises
    ``LedgerTooNew`` where a newer landed wrote it, ``LedgerError`` where it is
    something else than a ledger, ``LedgerUnavailable`` where it cannot be written.
    """
    if _is_ready(database, head):
        database.ready()
        return
    with database.migrating() as connection:
        upgrade(connection, database.name, migrations)
        if connection.scalar(select(meta.c.ledger_id)) is None:
            born = {"ledger_id": uuid4().hex, "created_at": now}
            connection.execute(meta.insert(), born)


def _is_ready(database: Database, head: str) -> bool:
    if not database.exists():
        return False
    with database.read() as connection:
        return version_of(connection, database.name) == head


def version_of(connection: Connection, name: str) -> str | None:
    """The last migration that was applied; None for an empty database.

    Raises ``LedgerError`` for somebody else's database.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if VERSION_TABLE not in tables or "signals" not in tables:
        raise LedgerError(
            f"expected a ledger, found another database at {name}; a ledger needs one of its own"
        )
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a name of ours
    return version


def upgrade(connection: Connection, name: str, migrations: Path = MIGRATIONS) -> None:
    """Apply what is missing, within the transaction of ``connection``."""
    # Takes 0.1 s to import, and a ledger is migrated once in a long while.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    version = version_of(connection, name)
    known = {script.revision for script in ScriptDirectory(str(migrations)).walk_revisions()}
    if version is not None and version not in known:
        raise LedgerTooNew(
            f"the ledger {name} was written by a newer version of landed (its schema is "
            f"{version[:20]!r}, this version knows up to {HEAD!r}); install that version again"
        )
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
