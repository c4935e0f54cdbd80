"""What Airflow's REST API (v2) tells, as far as it is used here.

Fields that are not named are not read. Whatever has another shape is refused whole:
Airflow's own bounds are the bounds here.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Number = Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)]

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Instants outside of these are no instants of a scheduler, and some cannot be reckoned with."""


class Dated(msgspec.Struct, frozen=True):
    """What holds instants; one that cannot be makes the whole of it unreadable."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            moment = getattr(self, name)
            if isinstance(moment, datetime) and not EARLIEST <= moment < LATEST:
                raise ValueError(f"expected {name} between the years 2000 and 2100")


UNMAPPED = -1
"""The ``map_index`` of a task instance that was not made by mapping."""


class DagRun(Dated, frozen=True, kw_only=True, rename={"run_id": "dag_run_id"}, gc=False):
    """One DAG run, as it is now: its last pass has overwritten those before.

    ``queued_at``: when it was queued last, which a clear does also while it runs.
    ``start_date`` counts only while it is not queued.
    """

    dag_id: Word
    run_id: Word
    run_type: Word
    state: Word
    run_after: Moment
    logical_date: Moment | None = None
    data_interval_end: Moment | None = None
    queued_at: Moment | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None

    @property
    def started(self) -> datetime | None:
        """When this pass began; None while it waits, whatever was written beforehand."""
        return None if self.state == "queued" else self.start_date


class TaskInstance(Dated, frozen=True, kw_only=True, rename={"run_id": "dag_run_id"}, gc=False):
    """One try of a task: the present one, or one of those before."""

    dag_id: Word
    run_id: Word
    task_id: Word
    try_number: Number
    map_index: Number = UNMAPPED
    state: Word | None = None
    scheduled_when: Moment | None = None
    queued_when: Moment | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    hostname: str | None = None

    @property
    def mapped(self) -> bool:
        """Whether it is one of several that mapping made of a task."""
        return self.map_index != UNMAPPED


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A line of Airflow's audit log about a try."""

    task_id: Word | None = None
    map_index: Number | None = None
    try_number: Number | None = None


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How Airflow retries a task: the delay, and what it is multiplied with each time."""

    delay: timedelta = timedelta(minutes=5)
    backoff: float = 0.0

    def latest(self, ended: datetime, try_number: int) -> datetime:
        """When the try after ``try_number`` begins at the latest, if it is to come."""
        if self.backoff in (0.0, 1.0):
            return ended + self.delay
        # Airflow adds up to the delay itself once more, by a hash, and waits a day at most.
        try:
            delay = 2 * self.delay * self.backoff ** (try_number - 1)
        except OverflowError:
            delay = _LONGEST
        return ended + min(delay, _LONGEST)


_LONGEST = timedelta(days=1)


class Page(msgspec.Struct, frozen=True):
    """One page of a list; each item is read by itself, so that one bad one spoils no other."""

    items: list[msgspec.Raw]
    next_cursor: str | None = None
    total: int | None = None


def read_page(body: bytes, field: str) -> Page:
    """The page of ``field`` (``dag_runs``, …) in ``body``; raises ``ValueError``."""
    read = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if field not in read:
        raise ValueError(f"expected a list of {field}, found {', '.join(sorted(read))[:100]}")
    cursor = read.get("next_cursor")
    total = read.get("total_entries")
    return Page(
        items=msgspec.json.decode(read[field], type=list[msgspec.Raw]),
        next_cursor=None if cursor is None else msgspec.json.decode(cursor, type=str | None),
        total=None if total is None else msgspec.json.decode(total, type=int | None),
    )


def read_retries(task: dict[str, Any]) -> Retries:
    """How a task of ``GET /dags/{dag}/tasks`` is retried; Airflow's defaults where unsaid."""
    delay, backoff = task.get("retry_delay"), task.get("retry_exponential_backoff")
    known = Retries()
    if isinstance(delay, dict):
        parts = {key: delay.get(key, 0) for key in ("days", "seconds", "microseconds")}
        if all(isinstance(each, int | float) for each in parts.values()):
            try:
                known = Retries(delay=timedelta(**parts))
            except OverflowError:
                known = Retries(delay=_LONGEST)
    if isinstance(backoff, int | float) and not isinstance(backoff, bool):
        return Retries(delay=known.delay, backoff=float(backoff))
    return known


Document = TypeVar("Document", DagRun, TaskInstance, LoggedEvent)


def read_all(
    items: Iterable[bytes | msgspec.Raw],
    kind: type[Document],
    refuse: Callable[[str], None],
) -> list[Document]:
    """Each of ``items`` that is a ``kind``; why another is none goes to ``refuse``."""
    read: list[Document] = []
    for item in items:
        try:
            read.append(msgspec.json.decode(item, type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refuse(str(error))
    return read
