"""Builders of what the rules of ``verifier.runs`` read, all about one night of one job.

The job ``nightly`` is due at 02:00 UTC; times are written as ``02:10`` or ``02:10:30``
of that night, with ``+1`` before them for the next one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verifier.runs.action import Action, ActionKind
from verifier.runs.attempt import Attempt, fold
from verifier.runs.binding import RunKey
from verifier.runs.declaration import CheckTraits, Cron, Declaration, Surface, SurfaceKind
from verifier.runs.evaluation import Cause, CheckResult, Effect, Evaluation, Result
from verifier.runs.signal import EffectNote, Kind, Signal
from verifier.runs.standing import Facts, Standing, standing

NIGHT = datetime(2026, 4, 3, tzinfo=UTC)
JOB = "nightly"
KEY = RunKey(JOB, "2026-04-03T02:00:00Z")
NO_EFFECT = EffectNote(begun=False)


class Build:
    """The builders; ``build.job(...)`` and so on."""

    key = KEY
    due = NIGHT + timedelta(hours=2)

    @staticmethod
    def at(text: str) -> datetime:
        """``02:10``, ``02:10:30`` or ``+1 02:10`` as an instant."""
        days, clock = text.split() if " " in text else ("0", text)
        hours, minutes, seconds = [*map(float, clock.split(":")), 0.0][:3]
        return NIGHT + timedelta(days=int(days), hours=hours, minutes=minutes, seconds=seconds)

    @staticmethod
    def check(name: str = "rows", **more: Any) -> CheckTraits:
        """A check that says the effect; ``says_effect=False`` makes it one of quality."""
        says_effect = more.pop("says_effect", True)
        fields = {"type": "scope" if says_effect else "reconcile", "says_effect": says_effect}
        return CheckTraits(name=name, **(fields | more))

    @classmethod
    def job(cls, kind: str = "append", **more: Any) -> Declaration:
        """A nightly job with one surface, ``table``, that ``rows`` covers where it is declared."""
        checks = more.pop("checks", (cls.check(),))
        covering = tuple(check.name for check in checks if check.name == "rows")
        fields: dict[str, Any] = {
            "job": JOB,
            "schedule": Cron(expression="0 2 * * *"),
            "surfaces": (Surface(name="table", kind=SurfaceKind(kind), checks=covering),),
            "checks": checks,
            "finish_within": timedelta(minutes=45),
            "verified_within": timedelta(hours=2),
            "zombie_grace": timedelta(minutes=90),
        }
        return Declaration(**(fields | more))

    @classmethod
    def table_and_mail(cls, kind: str = "replace", **more: Any) -> Declaration:
        """A job that writes a table, which is checked, and sends mail, which may be."""
        mail = more.pop("mail_checks", ())
        surfaces = (
            Surface(name="table", kind=SurfaceKind(kind), checks=("rows",)),
            Surface(name="mail", kind=SurfaceKind.EXTERNAL, checks=mail),
        )
        checks = (cls.check(), *(cls.check(name, type="ledger") for name in mail))
        return cls.job(surfaces=surfaces, checks=checks, **more)

    @classmethod
    def signal(cls, kind: str, when: str, attempt: str | None = "a1", **more: Any) -> Signal:
        """One signal of an attempt; its id follows from what it says."""
        fields = {"id": f"{attempt}/{kind}/{when}", "attempt": attempt} | more
        return Signal(job=JOB, kind=Kind(kind), at=cls.at(when), **fields)

    @classmethod
    def attempt(cls, *said: str | Signal, name: str = "a1") -> Attempt:
        """An attempt of whom was heard, say, ``"started 02:00"`` or a signal."""
        signals = [
            cls.signal(*each.split(" ", 1), attempt=name) if isinstance(each, str) else each
            for each in said
        ]
        attempt = fold(None, signals)
        assert attempt is not None
        return attempt

    @classmethod
    def answer(cls, word: str, check: str = "rows", **more: Any) -> CheckResult:
        """A check's answer: a word of effect, or ``holds``, ``violated``, ``unknown``."""
        fields: dict[str, Any] = {"type": "scope", "evaluated_at": NIGHT}
        if word == "unknown":
            fields |= {"result": Result.UNKNOWN, "reason": "unreachable"}
        elif word in ("holds", "violated"):
            fields |= {"result": Result(word)}
        else:
            holds = word == "complete" and not more.get("unexpected")
            fields |= {
                "result": Result.HOLDS if holds else Result.VIOLATED,
                "effect": Effect(word),
            }
        return CheckResult(name=check, **(fields | more))

    @classmethod
    def look(cls, when: str, *said: str | CheckResult, **by_check: str) -> Evaluation:
        """An evaluation at ``when``; a bare word is the answer of ``rows``."""
        answers = [cls.answer(each) if isinstance(each, str) else each for each in said]
        answers += [cls.answer(word, check) for check, word in by_check.items()]
        return Evaluation(
            evaluation_id=f"look/{when}",
            run_id=KEY.run_id,
            cause=Cause.END,
            started_at=cls.at(when),
            finished_at=cls.at(when),
            results=tuple(answers),
        )

    @classmethod
    def action(cls, kind: str, when: str, **more: Any) -> Action:
        """An operator's action: ``skip``, ``reconcile`` and ``fence`` are on the run."""
        on_run = kind in ("skip", "reconcile", "fence")
        fields = {"run_id": KEY.run_id if on_run else None} | more
        return Action(
            action_id=f"{kind}/{when}",
            kind=ActionKind(kind),
            at=cls.at(when),
            by="ann",
            reason="because",
            job=JOB,
            **fields,
        )

    @classmethod
    def facts(
        cls,
        declaration: Declaration,
        attempts: Sequence[Attempt] = (),
        looks: Sequence[Evaluation] = (),
        **more: Any,
    ) -> Facts:
        """What is known of the night's run."""
        fields = {"key": KEY, "expected": True, "interval": timedelta(days=1)} | more
        return Facts(declaration=declaration, attempts=attempts, evaluations=looks, **fields)

    @classmethod
    def stand(
        cls,
        when: str,
        declaration: Declaration,
        attempts: Sequence[Attempt] = (),
        looks: Sequence[Evaluation] = (),
        **more: Any,
    ) -> Standing:
        """Where the night's run stands at ``when``."""
        return standing(cls.facts(declaration, attempts, looks, **more), cls.at(when))


@pytest.fixture(scope="session")
def build() -> type[Build]:
    return Build
