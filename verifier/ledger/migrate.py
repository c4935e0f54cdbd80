"""Bringing a ledger's schema up to what this version of landed works with."""

from datetime import datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, inspect, select, text

from verifier.ledger.database import Database
from verifier.ledger.errors import LedgerError, LedgerTooNew, LedgerUnavailable
from verifier.ledger.schema import VERSION_TABLE, meta

MIGRATIONS = Path(__file__).parent / "migrations"

HEAD = "0002"
"""The last migration that this version knows."""


def prepare(
    database: Database, now: datetime, migrations: Path = MIGRATIONS, head: str = HEAD
) -> None:
    """Make the ledger's file ready for use: create it, or migrate it where it is older.

    Of several that open it at once one migrates and the others wait. Raises
    ``LedgerTooNew`` where a newer landed wrote it, ``LedgerError`` where it is
    something else than a ledger, ``LedgerUnavailable`` where it cannot be written.
    """
    if not database.path.parent.is_dir():
        raise LedgerError(
            f"expected a directory for the ledger, found none at {database.path.parent}"
        )
    if database.path.is_dir():
        raise LedgerError(f"expected a file for the ledger, found a directory at {database.path}")
    if _is_ready(database, head):
        database.use_wal()
        return
    lock = database.path.with_name(f"{database.path.name}.lock")
    try:
        with lock.open("ab") as file:
            flock(file, LOCK_EX)
            database.use_wal()
            with database.write() as connection:
                upgrade(connection, database.path, migrations)
                if connection.scalar(select(meta.c.ledger_id)) is None:
                    born = {"ledger_id": uuid4().hex, "created_at": now}
                    connection.execute(meta.insert(), born)
    except OSError as error:
        raise LedgerUnavailable(
            f"the ledger {database.path} cannot be migrated now: {error.strerror}: {lock}"
        ) from error


def _is_ready(database: Database, head: str) -> bool:
    if not database.path.exists():
        return False
    with database.read() as connection:
        return version_of(connection, database.path) == head


def version_of(connection: Connection, path: Path) -> str | None:
    """The last migration that was applied; None for an empty file.

    Raises ``LedgerError`` for somebody else's database.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if VERSION_TABLE not in tables or "signals" not in tables:
        raise LedgerError(
            f"expected a ledger, found another database at {path}; a ledger needs a file of its own"
        )
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a name of ours
    return version


def upgrade(connection: Connection, path: Path, migrations: Path = MIGRATIONS) -> None:
    """Apply what is missing, within the transaction of ``connection``."""
    # Takes 0.1 s to import, and a ledger is migrated once in a long while.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    version = version_of(connection, path)
    known = {script.revision for script in ScriptDirectory(str(migrations)).walk_revisions()}
    if version is not None and version not in known:
        raise LedgerTooNew(
            f"the ledger {path} was written by a newer version of landed (its schema is "
            f"{version[:20]!r}, this version knows up to {HEAD!r}); install that version again"
        )
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
