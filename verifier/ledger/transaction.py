"""One write: its connection, its instant, the jobs as they are, and what it counts."""

from datetime import datetime

from sqlalchemy import Connection

from verifier.ledger.declarations import Job, Jobs, job_of
from verifier.ledger.tallies import Counted


class Transaction:
    """What every step of one write shares. All of it is kept, or nothing."""

    def __init__(self, connection: Connection, jobs: Jobs, now: datetime) -> None:
        self.connection = connection
        self.jobs = jobs
        self.now = now
        self.counted = Counted()

    def job(self, name: str) -> Job:
        """The job of that name; ``UnknownJob`` where there never was one."""
        return job_of(self.jobs, name)
