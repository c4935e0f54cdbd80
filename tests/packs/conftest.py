"""The shipped packs, each asked about databases and files that a test made for it."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from verifier.checks.evaluate import evaluate
from verifier.checks.question import Question
from verifier.checks.remark import Level
from verifier.checks.stores.registry import Stores
from verifier.checks.survey import Survey, survey
from verifier.config.config import Config, Job
from verifier.config.load import load
from verifier.content.packs import pack
from verifier.engine.names import examine_names
from verifier.runs.covers import business_interval
from verifier.runs.effect import findings
from verifier.runs.evaluation import CheckResult, Result
from verifier.runs.instant import format_instant
from verifier.runs.reported import Reported
from verifier.runs.slots import latest_slot
from verifier.runs.verdict import Case, verdict

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)
COUNTS = ("missing", "surplus", "unexpected")


class Bench:
    """One pack as it is shipped, but for the place of its stores: the folder of the test."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        file = folder / "landed.yaml"
        file.write_text(pack(name).replace("/srv/landed", str(folder)))
        self.config: Config = load(file, {})

    def plant(self, scripts: dict[str, str]) -> None:
        """Runs a script on each database, by the name of its store."""
        for store, script in scripts.items():
            assert store in self.config.stores
            with closing(sqlite3.connect(self.folder / f"{store}.db")) as connection, connection:
                connection.executescript(script)

    def started(self, job: str) -> datetime:
        """When the newest run started that is due before noon of 3 April 2026."""
        return self._due(self._job(job)) + timedelta(minutes=5)

    def ask(self, job: str) -> tuple[str | None, dict[str, str]]:
        """The verdict of that run if it reported success, and what each check told."""
        declared = self._job(job)
        with Stores(self.config.stores) as stores:
            answers = evaluate(declared.checks, stores, self._question(job), NOW)
            self._is_well_where_all_is_answered(answers, stores)
        return judged(declared, answers), told(answers)

    def survey(self, job: str) -> Survey:
        """The same of all partitions at once."""
        declared = self._job(job)
        assert declared.partitions is not None
        with Stores(self.config.stores) as stores:
            asked = survey(declared.checks, declared.partitions, stores, self._question(job), NOW)
            self._is_well_where_all_is_answered(asked.whole, stores)
            return asked

    def _is_well_where_all_is_answered(
        self, answers: Iterable[CheckResult], stores: Stores
    ) -> None:
        """The doctor finds nothing amiss with what can be asked."""
        if any(each.result is Result.UNKNOWN for each in answers):
            return
        for name, store in self.config.stores.items():
            if store.type == "sql":
                told = list(examine_names(self.config, stores, name, NOW))
                assert [each for each in told if each.level is not Level.OK] == []
                assert told

    def _job(self, name: str) -> Job:
        return self.config.job(name)

    def _due(self, job: Job) -> datetime:
        return latest_slot(job.declaration.schedule, NOW)

    def _question(self, name: str) -> Question:
        declaration, due = self._job(name).declaration, self._due(self._job(name))
        return Question(
            job=name,
            run=f"{name}/{format_instant(due)}",
            due=due,
            interval=business_interval(declaration.schedule, declaration.covers, due),
            timezone=declaration.schedule.timezone,
            started=self.started(name),
            ended=self.started(name) + timedelta(minutes=5),
        )


def judged(job: Job, answers: tuple[CheckResult, ...]) -> str | None:
    """The verdict over ``answers`` where the only attempt succeeded."""
    found = findings(job.declaration, answers)
    return verdict(
        Case(
            reported=Reported.SUCCEEDED,
            effect=found.effect,
            unexpected=found.unexpected > 0,
            violated=bool(found.violated),
            unknown=bool(found.unknown),
            required_hold=found.required_hold,
        )
    )


def told(answers: tuple[CheckResult, ...]) -> dict[str, str]:
    """What each check that does not hold told, in words: ``violated partial missing=1``."""
    return {each.name: _in_words(each) for each in answers if each.result != "holds"}


def _in_words(answer: CheckResult) -> str:
    counts = [f"{word}={getattr(answer, word)}" for word in COUNTS if getattr(answer, word)]
    words = [answer.result, answer.reason, answer.effect, *counts]
    return " ".join(str(word) for word in words if word)


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[str], Bench]:
    return lambda name: Bench(name, tmp_path)


@pytest.fixture
def in_words() -> Callable[[tuple[CheckResult, ...]], dict[str, str]]:
    return told
