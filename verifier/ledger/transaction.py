"""One write: its connection, its instant, the jobs as they are, and what it counts."""

from datetime import datetime

from sqlalchemy import Connection

from verifier.ledger.database import Database
from verifier.ledger.declarations import Job, Jobs, job_of
from verifier.ledger.tallies import Counted


class Transaction:
    """What every step of one write shares. All of it is kept, or nothing."""

    def __init__(
        self, database: Database, connection: Connection, jobs: Jobs, now: datetime
    ) -> None:
        self._database = database
        self.connection = connection
        self.jobs = jobs
        self.now = now
        self.counted = Counted()

    def job(self, name: str) -> Job:
        """The job of that name; ``UnknownJob`` where there never was one."""
        return job_of(self.jobs, name)

    def alone(self, what: str) -> None:
        """Have the rest of this write to itself as far as ``what`` goes."""
        self._database.alone(self.connection, what)
