"""A real ledger in a file, a job with every kind of check, and short ways to fill it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.exporters.exposition import Exposition, Identity, Turns
from verifier.ledger.ledger import Ledger
from verifier.runs.action import Action, ActionKind
from verifier.runs.binding import RunKey
from verifier.runs.declaration import (
    CheckTraits,
    Cron,
    Declaration,
    JobClass,
    Overlap,
    Schedule,
    Surface,
    SurfaceKind,
)
from verifier.runs.evaluation import Cause, CheckResult, Effect, Evaluation, Result
from verifier.runs.instant import format_instant
from verifier.runs.signal import Kind, Signal

DAY = datetime(2026, 4, 3, tzinfo=UTC)
DECLARED = datetime(2026, 4, 1, tzinfo=UTC)
CHECKS = (
    CheckTraits(name="rows", type="scope", says_effect=True),
    CheckTraits(name="once", type="exactly_once", says_effect=True),
    CheckTraits(name="count", type="row_count", says_effect=True, required=False),
    CheckTraits(name="sums", type="reconcile"),
)
DOCUMENT = {
    "checks": [
        {"name": "rows", "type": "scope", "store": "warehouse"},
        {"name": "once", "type": "exactly_once", "store": "warehouse"},
        {"name": "count", "type": "row_count", "store": "lake"},
        {
            "name": "sums",
            "type": "reconcile",
            "left": {"store": "shop"},
            "right": {"store": "lake"},
        },
    ]
}


class Build:
    """The builders; ``build.job(...)`` and so on."""

    declared = DECLARED
    document = DOCUMENT
    nightly = RunKey("nightly", "2026-04-03T02:00:00Z")

    @staticmethod
    def at(text: str) -> datetime:
        """``02:10``, ``02:10:30`` or ``+1 02:10`` as an instant of 2026-04-03 or later."""
        days, clock = text.split() if " " in text else ("0", text)
        hours, minutes, seconds = [*map(float, clock.split(":")), 0.0][:3]
        return DAY + timedelta(days=int(days), hours=hours, minutes=minutes, seconds=seconds)

    @classmethod
    def key(cls, job: str, when: str) -> RunKey:
        """The run of ``job`` that is due at ``when``."""
        return RunKey(job, format_instant(cls.at(when)))

    @staticmethod
    def job(name: str = "nightly", schedule: Schedule | None = None, **more: Any) -> Declaration:
        """A job due at 02:00 that appends to one table, with four checks."""
        checks = more.pop("checks", CHECKS)
        fields: dict[str, Any] = {
            "job": name,
            "schedule": schedule or Cron(expression="0 2 * * *"),
            "job_class": JobClass.ONE_RESULT,
            "overlap": Overlap.FORBID,
            "surfaces": (
                Surface(
                    name="table",
                    kind=SurfaceKind.APPEND,
                    checks=tuple(each.name for each in checks),
                ),
            ),
            "checks": checks,
            "finish_within": timedelta(minutes=45),
            "verified_within": timedelta(hours=2),
            "zombie_grace": timedelta(minutes=90),
            "owner": "finance-data",
        }
        return Declaration(**(fields | more))

    @classmethod
    def signal(
        cls, kind: str, when: str, attempt: str | None = "a1", job: str = "nightly", **more: Any
    ) -> Signal:
        """One signal of an attempt; its id follows from what it says."""
        fields = {"id": f"{attempt}/{kind}/{when}"} | more
        return Signal(job=job, kind=Kind(kind), at=cls.at(when), attempt=attempt, **fields)

    @classmethod
    def evaluation(cls, key: RunKey, when: str, word: str = "complete", **more: Any) -> Evaluation:
        """What the checks answered at ``when``: a word of effect, or ``unreachable``."""
        at = cls.at(when)
        results = []
        for check in CHECKS:
            fields: dict[str, Any] = {"duration_seconds": 0.25}
            if word == "unreachable":
                fields |= {"result": Result.UNKNOWN, "reason": word}
            elif check.name == "rows":
                holds = word == "complete"
                fields |= {
                    "result": Result.HOLDS if holds else Result.VIOLATED,
                    "effect": Effect(word),
                    "expected": 150,
                    "done": 150 if holds else 100,
                    "missing": 0 if holds else 50,
                    **more,
                }
            else:
                fields |= {"result": Result.HOLDS}
            results.append(CheckResult(name=check.name, type=check.type, evaluated_at=at, **fields))
        return Evaluation(
            evaluation_id=f"{key.run_id}/{when}",
            run_id=key.run_id,
            cause=Cause.END,
            started_at=at,
            finished_at=at,
            results=tuple(results),
        )

    @classmethod
    def action(cls, kind: str, when: str, key: RunKey | None = None, **more: Any) -> Action:
        """An operator's action, on ``key`` or on the whole job."""
        return Action(
            action_id=f"{kind}/{when}",
            kind=ActionKind(kind),
            at=cls.at(when),
            by="ann",
            reason="because",
            job="nightly",
            run_id=key.run_id if key else None,
            **more,
        )


class Seen:
    """What a scraper sees of a ledger at an instant."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.exposition = Exposition(timedelta(seconds=15))

    def refresh(self, when: str | datetime) -> None:
        now = Build.at(when) if isinstance(when, str) else when
        loops = {"metrics": Turns(timedelta(seconds=5), now), "tick": Turns(timedelta(1), None)}
        identity = Identity(
            version="0.1.0",
            ledger_id="5eed0000000000000000000000000000",
            config_hash="c0ffee",
            loops=loops,
        )
        snapshot = self.ledger.snapshot(now, self.exposition.snapshot)
        self.exposition.refresh(snapshot, identity)

    def page(self, when: str | datetime, accept: str = "text/plain") -> str:
        self.refresh(when)
        now = Build.at(when) if isinstance(when, str) else when
        scrape = self.exposition.answer(accept, now)
        assert scrape is not None
        return scrape.body.decode()

    def __call__(self, when: str | datetime) -> dict[str, float]:
        """Every sample, by its name with its labels."""
        lines = [line for line in self.page(when).splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture
def build() -> type[Build]:
    return Build


@pytest.fixture
def path(tmp_path: Path, unused_ledger: Path) -> Path:
    return Path(shutil.copy(unused_ledger, tmp_path / "landed.db"))


@pytest.fixture
def open_ledger(path: Path) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger at ``path``, as often as asked; closes all at the end."""
    opened: list[Ledger] = []

    def open_one() -> Ledger:
        opened.append(Ledger.open(f"sqlite:///{path}", DECLARED))
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Callable[[], Ledger]) -> Ledger:
    """A ledger in which ``nightly`` is declared."""
    ledger = open_ledger()
    ledger.declare("nightly", Build.job(), Build.document, DECLARED)
    return ledger


@pytest.fixture
def seen(ledger: Ledger) -> Seen:
    return Seen(ledger)


@pytest.fixture
def watch() -> type[Seen]:
    """A scraper of the ledger that it is given."""
    return Seen


@pytest.fixture
def told(ledger: Ledger) -> Callable[..., None]:
    """Tells signals to the ledger when they were said, or at ``at``."""

    def tell(*signals: Signal, at: str | None = None) -> None:
        received = Build.at(at) if at else max(signal.at for signal in signals)
        ledger.append(signals, source="native", received_at=received)

    return tell
