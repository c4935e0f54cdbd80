"""A real ledger of each kind, and short ways to fill it.

The job ``nightly`` is due at 02:00 UTC and ``quarter`` every 15 minutes; both are
declared from 2026-04-01 on. Times are written as ``02:10`` or ``02:10:30`` of
2026-04-03, with ``+1`` before them for the day after.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.ledger.ledger import Ledger
from verifier.runs.action import Action, ActionKind
from verifier.runs.binding import RunKey
from verifier.runs.declaration import (
    CheckTraits,
    Cron,
    Declaration,
    Every,
    Schedule,
    Surface,
    SurfaceKind,
)
from verifier.runs.evaluation import Cause, CheckResult, Effect, Evaluation, Result
from verifier.runs.instant import format_instant
from verifier.runs.signal import Kind, Lane, Signal

DAY = datetime(2026, 4, 3, tzinfo=UTC)
DECLARED = datetime(2026, 4, 1, tzinfo=UTC)
NIGHTLY = Cron(expression="0 2 * * *")
QUARTERLY = Every(period=timedelta(minutes=15))
ROWS = CheckTraits(name="rows", type="scope", says_effect=True)


class Build:
    """The builders; ``build.job(...)`` and so on."""

    declared = DECLARED
    nightly = RunKey("nightly", "2026-04-03T02:00:00Z")

    @staticmethod
    def at(text: str) -> datetime:
        """``02:10``, ``02:10:30`` or ``+1 02:10`` as an instant."""
        days, clock = text.split() if " " in text else ("0", text)
        hours, minutes, seconds = [*map(float, clock.split(":")), 0.0][:3]
        return DAY + timedelta(days=int(days), hours=hours, minutes=minutes, seconds=seconds)

    @classmethod
    def key(cls, job: str, when: str, partition: str = "") -> RunKey:
        """The run of ``job`` that is due at ``when``."""
        return RunKey(job, format_instant(cls.at(when)), partition)

    @staticmethod
    def job(name: str = "nightly", schedule: Schedule = NIGHTLY, **more: Any) -> Declaration:
        """A job that replaces one table, which the check ``rows`` covers."""
        checks = more.pop("checks", (ROWS,))
        covering = tuple(check.name for check in checks)
        fields: dict[str, Any] = {
            "job": name,
            "schedule": schedule,
            "surfaces": (Surface(name="table", kind=SurfaceKind.REPLACE, checks=covering),),
            "checks": checks,
            "finish_within": timedelta(minutes=45),
            "verified_within": timedelta(hours=2),
            "zombie_grace": timedelta(minutes=90),
        }
        return Declaration(**(fields | more))

    @classmethod
    def signal(
        cls, kind: str, when: str, attempt: str | None = "a1", job: str = "nightly", **more: Any
    ) -> Signal:
        """One signal of an attempt; its id follows from what it says."""
        fields = {"id": f"{attempt}/{kind}/{when}"} | more
        if "lane" in fields:
            fields["lane"] = Lane(fields["lane"])
        return Signal(job=job, kind=Kind(kind), at=cls.at(when), attempt=attempt, **fields)

    @classmethod
    def evaluation(
        cls, key: RunKey, when: str, word: str, cause: str = "end", **more: Any
    ) -> Evaluation:
        """What ``rows`` answered at ``when``: a word of effect, or ``unreachable``."""
        at = cls.at(when)
        if word == "unreachable":
            fields: dict[str, Any] = {"result": Result.UNKNOWN, "reason": word}
        else:
            holds = word == "complete"
            fields = {
                "result": Result.HOLDS if holds else Result.VIOLATED,
                "effect": Effect(word),
            }
        answer = CheckResult(name="rows", type="scope", evaluated_at=at, **(fields | more))
        return Evaluation(
            evaluation_id=f"{key.run_id}/{when}",
            run_id=key.run_id,
            cause=Cause(cause),
            started_at=at,
            finished_at=at,
            results=(answer,),
        )

    @classmethod
    def action(
        cls, kind: str, when: str, job: str = "nightly", key: RunKey | None = None, **more: Any
    ) -> Action:
        """An operator's action, on ``key`` or on the whole job."""
        return Action(
            action_id=f"{kind}/{when}",
            kind=ActionKind(kind),
            at=cls.at(when),
            by="ann",
            reason="because",
            job=job,
            run_id=key.run_id if key else None,
            **more,
        )


class Told:
    """Fills a ledger: what is said arrives when it was said, unless told otherwise."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def __call__(self, *signals: Signal, at: str | None = None) -> Any:
        received = Build.at(at) if at else max(signal.at for signal in signals)
        return self.ledger.append(signals, source="test", received_at=received)

    def night(self, *, verified: bool = True) -> RunKey:
        """The night's run: expected, started, succeeded, and asked for."""
        key = Build.nightly
        self.ledger.expect("nightly", [Build.at("02:00")], Build.at("02:00"))
        self(Build.signal("started", "02:00:01"), Build.signal("succeeded", "02:10"))
        if verified:
            answer = Build.evaluation(key, "02:10:10", "complete", expected=3, done=3)
            self.ledger.record(key, answer, Build.at("02:10:10"))
        return key


@pytest.fixture
def build() -> type[Build]:
    return Build


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the ledger; a test that asks for it is about files alone."""
    return tmp_path / "landed.db"


@pytest.fixture
def open_ledger(ledger_url: str) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger, as often as asked; closes all at the end."""
    opened: list[Ledger] = []

    def open_one() -> Ledger:
        opened.append(Ledger.open(ledger_url, DECLARED))
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Callable[[], Ledger]) -> Ledger:
    """A ledger in which ``nightly`` and ``quarter`` are declared."""
    ledger = open_ledger()
    ledger.declare("nightly", Build.job(), {"statement": "nightly"}, DECLARED)
    ledger.declare("quarter", Build.job("quarter", QUARTERLY), {}, DECLARED)
    return ledger


@pytest.fixture
def told(ledger: Ledger) -> Told:
    return Told(ledger)


@pytest.fixture
def counted(ledger: Ledger) -> Callable[[str], dict[tuple[str, ...], float]]:
    """The tallies of a family, by the values of their labels."""

    def read(family: str) -> dict[tuple[str, ...], float]:
        return {tuple(tally.labels.values()): tally.value for tally in ledger.tallies(family)}

    return read


@pytest.fixture
def rows(ledger: Ledger) -> Callable[[str], Sequence[tuple[Any, ...]]]:
    """All rows of a table, as they are stored."""

    def read(table: str) -> Sequence[tuple[Any, ...]]:
        with ledger._database.read() as connection:
            found = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")
            return [tuple(row) for row in found]

    return read
