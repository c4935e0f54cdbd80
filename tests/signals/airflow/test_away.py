"""The sidecar is away for five minutes while jobs go on: nothing is missed, nothing invented."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from verifier.engine.feed import SourceFeed
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant
from verifier.runs.standing import standing
from verifier.runs.verdict import Verdict
from verifier.signals.airflow.settings import AirflowBinding
from verifier.signals.airflow.source import AirflowSource
from verifier.signals.source import BoundJob, SourceUnavailable

SLOT = timedelta(minutes=3)


class Sidecar:
    """A ledger and an Airflow, with a clock that is set by hand."""

    def __init__(self, played: Any, recordings: Any, folder: Path) -> None:
        self.played = played
        self.at = recordings.at
        self.template = played.runs["demo_sched", "scheduled__2026-11-24T05:57:00+00:00"]
        played.runs = {}
        self.now: datetime = self.at("05:00:30")
        self.ledger = Ledger.open(f"sqlite:///{folder}/landed.db", self.now)
        declaration = recordings.history("pulse").latest
        declared = type(declaration)(
            **{name: getattr(declaration, name) for name in declaration.__struct_fields__}
            | {"source": "airflow", "start_within": timedelta(minutes=1)}
        )
        self.ledger.declare("pulse", declared, {}, self.now)
        self.start()

    def start(self) -> None:
        """As ``serve`` does after it was away."""
        job = BoundJob(
            name="pulse",
            binding=AirflowBinding(source="airflow", dag="demo_sched"),
            history=self.ledger.histories()["pulse"],
        )
        self.source = AirflowSource(self.played.settings())
        self.feed = SourceFeed(
            self.ledger,
            "airflow",
            [job],
            self.source.contact_within,
            clock=lambda: self.now,
            stopping=Event(),
        )

    def close(self) -> None:
        self.source.close()
        self.ledger.close()

    def happens(self, due: str) -> None:
        """Airflow runs a slot, whoever looks."""
        moment = self.at(due)
        run_id = f"scheduled__{moment.isoformat()}"
        begun = moment + timedelta(seconds=2)
        ended = moment + timedelta(seconds=40)
        slot, start, end = (format_instant(each) for each in (moment, begun, ended))
        run = {
            "dag_run_id": run_id, "logical_date": slot, "run_after": slot,
            "data_interval_start": slot, "data_interval_end": slot,
            "queued_at": start, "start_date": start, "end_date": end,
        }  # fmt: skip
        self.played.runs["demo_sched", run_id] = self.template | run
        self.played.updated["demo_sched", run_id] = ended

    def polls(self, when: str) -> None:
        self.now = self.played.now = self.at(when)
        self.source.poll(self.feed, self.now)
        self.feed.look(self.now)
        dues = [self.at("05:03") + SLOT * number for number in range(20)]
        self.ledger.expect("pulse", [due for due in dues if due <= self.now], self.now)

    def stand(self, due: str) -> Any:
        key = RunKey("pulse", format_instant(self.at(due)))
        return standing(self.ledger.facts(key, self.now), self.now)


@pytest.fixture
def sidecar(played: Any, recordings: Any, tmp_path: Path, unused_ledger: Path) -> Iterator[Sidecar]:
    shutil.copy(unused_ledger, tmp_path / "landed.db")
    world = Sidecar(played, recordings, tmp_path)
    yield world
    world.close()


def test_after_five_minutes_away_no_run_is_lost_and_none_was_ever_missing(
    sidecar: Sidecar,
) -> None:
    sidecar.happens("05:03")
    sidecar.polls("05:04")
    sidecar.source.close()
    sidecar.happens("05:06")
    sidecar.happens("05:09")
    sidecar.now = sidecar.at("05:10:30")
    sidecar.start()
    sidecar.feed.look(sidecar.now)
    sidecar.ledger.expect("pulse", [sidecar.at("05:06"), sidecar.at("05:09")], sidecar.now)
    for due in ("05:06", "05:09"):
        assert sidecar.stand(due).verdict is not Verdict.MISSING
    sidecar.polls("05:10:35")
    for due in ("05:03", "05:06", "05:09"):
        assert sidecar.stand(due).reported == "succeeded"
        key = RunKey("pulse", format_instant(sidecar.at(due)))
        assert len(sidecar.ledger.attempts(key)) == 1


def test_what_did_not_run_meanwhile_is_missing_only_once_airflow_was_asked(
    sidecar: Sidecar,
) -> None:
    sidecar.happens("05:03")
    sidecar.polls("05:04")
    sidecar.source.close()
    sidecar.happens("05:09")
    sidecar.now = sidecar.at("05:10:30")
    sidecar.start()
    sidecar.ledger.expect("pulse", [sidecar.at("05:06"), sidecar.at("05:09")], sidecar.now)
    assert sidecar.stand("05:06").verdict is not Verdict.MISSING
    sidecar.polls("05:10:35")
    sidecar.now += timedelta(minutes=1)
    assert sidecar.stand("05:06").verdict is Verdict.MISSING
    assert sidecar.stand("05:09").reported == "succeeded"


def test_while_airflow_does_not_answer_nothing_is_missing(sidecar: Sidecar) -> None:
    sidecar.happens("05:03")
    sidecar.polls("05:04")
    sidecar.played.plan = [("/api/v2/version", 503, {}, b"")] * 3
    for when in ("05:06", "05:09", "05:12"):
        with pytest.raises(SourceUnavailable):
            sidecar.polls(when)
        sidecar.feed.look(sidecar.now)
    sidecar.ledger.expect("pulse", [sidecar.at("05:06"), sidecar.at("05:09")], sidecar.now)
    assert sidecar.stand("05:06").verdict is not Verdict.MISSING
    windows = sidecar.ledger.windows("airflow")
    assert [window.until for window in windows] == [None]
    sidecar.happens("05:06")
    sidecar.polls("05:12:30")
    assert sidecar.stand("05:06").reported == "succeeded"
    assert all(window.until is not None for window in sidecar.ledger.windows("airflow"))
