import shutil
from datetime import UTC, datetime, timedelta

import pytest

from verifier.engine.source_status import source_statuses
from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import Kept, SourceState
from verifier.runs.declaration import Declaration, Every
from verifier.runs.signal import Kind, Signal

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ledger(tmp_path, unused_ledger):
    shutil.copy(unused_ledger, tmp_path / "landed.db")
    with Ledger.open(f"sqlite:///{tmp_path}/landed.db", NOW) as ledger:
        yield ledger


def keep(ledger, name, heard_until, **more):
    state = SourceState(heard_until=heard_until, contact_within=MINUTE, **more)
    ledger.keep_source(Kept(source=name, state=state), NOW)


def told(ledger, name):
    return {each["source"]: each for each in source_statuses(ledger, NOW)}[name]


def test_what_reports_by_itself_comes_first(ledger):
    keep(ledger, "airflow", NOW)
    ledger.listening("native", NOW)
    assert [each["source"] for each in source_statuses(ledger, NOW)] == ["native", "airflow"]


def test_a_source_that_is_heard_is_not_silent(ledger):
    keep(ledger, "airflow", NOW - MINUTE, ahead=timedelta(seconds=-1.5))
    status = told(ledger, "airflow")
    assert (status["heard_until"], status["contact_due"]) == (
        "2026-04-03T11:59:00Z",
        "2026-04-03T12:00:00Z",
    )
    assert (status["silent_since"], status["trouble"]) == (None, None)
    assert status["clock_offset_seconds"] == -1.5


def test_a_source_that_is_silent_tells_since_when_and_why(ledger):
    keep(ledger, "airflow", NOW - 2 * MINUTE, trouble="connection refused", trouble_since=NOW)
    status = told(ledger, "airflow")
    assert (status["silent_since"], status["trouble"]) == (
        "2026-04-03T11:58:00Z",
        "connection refused",
    )


def test_a_source_that_was_removed_is_not_told(ledger):
    keep(ledger, "airflow", NOW, declared=False)
    assert source_statuses(ledger, NOW) == []


def test_windows_are_told_while_their_silence_proves_nothing_or_proved_nothing_lately(ledger):
    keep(ledger, "airflow", NOW)
    hours = [NOW - timedelta(hours=hour) for hour in range(8)]
    ledger.blind("airflow", hours[7], hours[6], hours[6])  # caught up
    ledger.blind("airflow", hours[5], hours[4], None)  # never will be
    ledger.blind("airflow", hours[3], None, None)  # goes on
    ledger.blind("airflow", hours[0] - timedelta(days=9), hours[0] - timedelta(days=8), None)
    ledger.blind("celery", hours[2], None, None)
    assert [(each["since"], each["until"]) for each in told(ledger, "airflow")["blind"]] == [
        ("2026-04-03T07:00:00Z", "2026-04-03T08:00:00Z"),
        ("2026-04-03T09:00:00Z", None),
    ]


def test_a_window_that_will_count_in_a_moment_is_still_told(ledger):
    ledger.listening("native", NOW)
    ledger.blind("native", NOW - MINUTE, NOW, NOW + MINUTE)
    (window,) = told(ledger, "native")["blind"]
    assert window["caught_up_at"] == "2026-04-03T12:01:00Z"


def test_a_ledger_that_nobody_ever_served_is_silent_since_something_was_expected(ledger):
    assert source_statuses(ledger, NOW) == []
    ledger.blind("native", NOW - MINUTE, None, None)
    status = told(ledger, "native")
    assert (status["heard_until"], status["silent_since"]) == (None, "2026-04-03T11:59:00Z")


@pytest.mark.parametrize("source", ["ping", "http"])
def test_a_window_in_which_pings_were_lost_is_told_for_as_long_as_any_that_is_lost(ledger, source):
    ledger.listening("native", NOW)
    ledger.blind("native", NOW - 3 * MINUTE, NOW - 2 * MINUTE, NOW - MINUTE)
    ledger.blind("native", NOW - timedelta(days=8), NOW - timedelta(days=7), NOW - MINUTE)
    hour = timedelta(hours=1)
    declaration = Declaration(
        job="hourly",
        schedule=Every(period=hour),
        surfaces=(),
        finish_within=hour,
        verified_within=hour,
        zombie_grace=hour,
    )
    ledger.declare("hourly", declaration, {"schedule": {"every": "1h"}}, NOW)
    signal = Signal(job="hourly", kind=Kind.SUCCEEDED, at=NOW, id="1")
    ledger.append([signal], source=source, received_at=NOW)
    told_of = [(each["since"], each["pings_lost"]) for each in told(ledger, "native")["blind"]]
    assert told_of == ([("2026-04-03T11:57:00Z", True)] if source == "ping" else [])


def test_a_window_of_another_source_has_lost_no_pings(ledger):
    keep(ledger, "airflow", NOW)
    ledger.blind("airflow", NOW - 2 * MINUTE, NOW, NOW + MINUTE)
    (window,) = told(ledger, "airflow")["blind"]
    assert window["pings_lost"] is False
