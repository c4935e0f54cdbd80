"""Which database a ledger's URL names."""

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from verifier.ledger.database import Database
from verifier.ledger.errors import LedgerError
from verifier.ledger.postgresql import PostgresDatabase
from verifier.ledger.sqlite import SqliteDatabase, path_of

_SUCH_AS = "sqlite:///landed.db or postgresql+psycopg://landed@db/landed"


def database_at(url: str) -> Database:
    """The database at ``url``, not connected to yet.

    Raises ``LedgerError`` for a URL of another kind, and where the driver is missing.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(
            f"expected a ledger URL such as {_SUCH_AS}, found a text that is no URL"
        ) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return SqliteDatabase(path_of(parsed))
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgresDatabase(parsed)
    raise LedgerError(
        f"expected a ledger URL such as {_SUCH_AS}, found one of {parsed.drivername!r}"
    )
