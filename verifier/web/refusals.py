"""What a request is refused for, in the words of problem documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from verifier.engine.service import Service, UnknownJob
from verifier.intake.wire import EARLIEST, LATEST
from verifier.web.problems import HttpProblem, ProblemKind


@contextmanager
def told_as_problems() -> Iterator[None]:
    """Tells a client what the service does not know or takes for nonsense.

    ``KeyError`` and ``IndexError`` pass: nobody raises those on purpose.
    """
    try:
        yield
    except (KeyError, IndexError):
        raise
    except LookupError as error:
        raise HttpProblem(ProblemKind.NOT_FOUND, str(error)) from None
    except ValueError as error:
        raise HttpProblem(ProblemKind.INVALID, str(error)) from None


def invalid(message: str, place: str) -> HttpProblem:
    """A body that can be read and makes no sense at ``place``, such as ``override.by``."""
    return HttpProblem(ProblemKind.INVALID, f"{message} - at `$.{place}`")


def utc(moment: datetime | None, place: str) -> datetime | None:
    """``moment`` in UTC.

    Raises ``HttpProblem`` for one outside the years that signals may lie in.
    """
    if moment is None:
        return None
    if not EARLIEST <= moment < LATEST:
        years = f"{EARLIEST.year} and {LATEST.year}"
        raise invalid(f"Expected an instant between the years {years}", place)
    return moment.astimezone(UTC)


def told(text: str, place: str) -> str:
    """``text``, if it says anything: one line of blanks names nobody and no reason."""
    if not text.strip():
        raise invalid("Expected some text, got blanks", place)
    return text.strip()


def known_job(service: Service, job: str | None) -> None:
    """Raise ``UnknownJob`` for a filter by a job that was never declared.

    An empty list would read as "nothing happened" where only a name is misspelt.
    """
    if job is not None and job not in (known := service.ledger.histories()):
        raise UnknownJob(job, known)


def known_partition(service: Service, job: str, partition: str | None) -> None:
    """Raise ``HttpProblem`` for a partition of a job that declares none."""
    history = service.ledger.histories().get(job)
    if partition is None or history is None or history.latest.partition_name is not None:
        return
    raise invalid(
        f"Expected none, since {job} declares no partitions, got {partition!r}", "partition"
    )
