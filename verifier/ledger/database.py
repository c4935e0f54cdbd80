"""What the ledger needs of a database, whichever it is: snapshots, writes, and a name."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

PATIENCE_SECONDS = 5
"""How long anyone waits for a lock or a connection before giving up."""

READERS = 16
"""How many reads may go on at once."""


class Database(Protocol):
    """Connections to one database; any thread may ask for them.

    ``name`` says in words for people which it is, without a secret; ``writers`` is how
    many writes at once are worth while; ``shared`` whether several processes may serve
    it at once. All of it raises
    ``LedgerUnavailable`` where the database cannot be used now, and ``LedgerError``
    where it holds something else than a ledger.
    """

    name: str
    writers: int
    shared: bool

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that is committed at the end, or of which nothing is kept.

        Raises ``Conflict`` where another one was in its way.
        """

    def read(self, *, long: bool = False) -> AbstractContextManager[Connection]:
        """One snapshot of what was committed, in which nothing can be written.

        ``long``: whoever reads may take as long as he likes between two statements.
        """

    def exists(self) -> bool:
        """Whether there is anything to read; raises where there can never be a ledger."""

    def migrating(self) -> AbstractContextManager[Connection]:
        """A write that waits for all others who would change the schema."""

    def ready(self) -> None:
        """Called once before use, when the schema is what it should be."""

    def alone(self, connection: Connection, what: str, *, shared: bool = False) -> None:
        """Have the rest of a write to itself as far as ``what`` goes, or share that.

        Those that share it wait only for one who has it alone, and he for all.
        """

    def close(self) -> None:
        """Let go of it."""
