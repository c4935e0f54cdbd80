"""One write: its connection, its instant, the jobs as they are, and what it counts."""

from datetime import datetime

from sqlalchemy import Connection

from verifier.ledger.bulk import add_up
from verifier.ledger.database import Database
from verifier.ledger.declarations import Job, Jobs, job_of
from verifier.ledger.latest import Latest
from verifier.ledger.schema import changes
from verifier.ledger.tallies import Counted


class Transaction:
    """What every step of one write shares. All of it is kept, or nothing.

    Each job that a step asks for counts as changed, so that whoever keeps figures of it
    reads them again.
    """

    def __init__(
        self, database: Database, connection: Connection, jobs: Jobs, now: datetime
    ) -> None:
        self._database = database
        self.connection = connection
        self.jobs = jobs
        self.now = now
        self.counted = Counted()
        self.latest = Latest()
        self._changed: set[str] = set()

    def job(self, name: str) -> Job:
        """The job of that name; ``UnknownJob`` where there never was one."""
        self.change(name)
        return job_of(self.jobs, name)

    def change(self, name: str) -> None:
        """A job of that name may have other figures from now on."""
        self._changed.add(name)

    def finish(self) -> None:
        """Write what was gathered on the way."""
        self.counted.write(self.connection)
        self.latest.write(self.connection)
        if self._changed:
            rows = [(name, 1) for name in sorted(self._changed)]
            add_up(self.connection, changes, ("job", "number"), rows)

    def alone(self, what: str) -> None:
        """Have the rest of this write to itself as far as ``what`` goes."""
        self._database.alone(self.connection, what)
