"""Polls of a server that plays recordings: what is asked, what is told, what is survived."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.intake.receipt import RejectCode
from verifier.ledger.errors import LedgerUnavailable
from verifier.runs.lifecycle import is_alive, is_void, state_of
from verifier.signals.airflow.source import AirflowSource
from verifier.signals.source import SourceUnavailable

MINUTE = timedelta(minutes=1)
S48 = "scheduled__2026-11-24T05:48:00+00:00"


def states(feed: Any, job: str) -> dict[str, str]:
    return {name: state_of(each).value for name, each in feed.attempts(job).items()}


@pytest.fixture
def source(played: Any) -> Any:
    source = AirflowSource(played.settings())
    yield source
    source.close()


def test_a_poll_tells_every_dag_run_once_however_small_the_pages_are(
    played: Any, feed: Any, source: Any
) -> None:
    played.page = 4
    source.poll(feed, played.now)
    expected = [run for dag, run in played.runs if dag == "demo_sched"]
    assert len(feed.attempts("dag")) == len(expected) == 14
    before = set(feed.signals)
    source.poll(feed, played.now)
    assert set(feed.signals) == before


def test_a_pass_was_created_when_it_was_queued(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    only(played, run_id)
    source.poll(feed, played.now)
    (attempt,) = feed.attempts("dag").values()
    assert attempt.created == recordings.at("05:57:01.252763")
    assert attempt.started == recordings.at("05:57:01.293527")


def test_what_is_of_no_job_is_not_told(played: Any, feed: Any, source: Any) -> None:
    source.poll(feed, played.now)
    assert {each.job for each in feed.signals.values()} == {"dag"}


def test_the_next_poll_reads_back_a_minute_before_the_last(
    played: Any, feed: Any, source: Any
) -> None:
    first = played.now
    source.poll(feed, played.now)
    played.now += 10 * MINUTE
    source.poll(feed, played.now)
    asked = [query["updated_at_gte"][0] for query in played.queries("dags/~/dagRuns")]
    assert asked == ["2026-11-23T06:10:00Z", "2026-11-24T06:09:00Z"]
    assert feed.heard_until == first + 10 * MINUTE - timedelta(seconds=5)


def test_a_job_that_is_new_is_read_up_from_the_day_before(
    played: Any, feed: Any, source: Any
) -> None:
    *feed.jobs, late = feed.jobs
    source.poll(feed, played.now)
    feed.jobs = (*feed.jobs, late)
    source.poll(feed, played.now)
    asked = {query["updated_at_gte"][0] for query in played.queries("dags/~/dagRuns")}
    assert asked == {"2026-11-23T06:10:00Z"}


def test_a_source_that_was_away_for_five_minutes_loses_no_run(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    runs = dict(played.runs)
    played.updated = {key: recordings.at(run["end_date"][11:19]) for key, run in runs.items()}
    played.now = recordings.at("05:52")
    played.runs = {k: r for k, r in runs.items() if played.updated[k] <= played.now}
    source.poll(feed, played.now)
    assert len(feed.attempts("dag")) == 1
    source.close()
    played.now = recordings.at("05:57")
    played.runs = {k: r for k, r in runs.items() if played.updated[k] <= played.now}
    source.poll(feed, played.now)
    assert set(feed.attempts("dag")) == {
        f"{run}@{r['start_date']}" for (dag, run), r in played.runs.items() if dag == "demo_sched"
    }


def test_the_tries_of_a_task_are_read_with_those_before_them(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    played.tries = recordings.recorded("rest_ti_tries_cleared.json")["body"]["task_instances"]
    played.instances = recordings.recorded("rest_taskinstances.json")["body"]["task_instances"]
    source.poll(feed, played.now)
    assert states(feed, "flaky") == {
        f"{S48}#1": "failed",
        f"{S48}#2": "succeeded",
        f"{S48}#3": "succeeded",
        f"{S48}#4": "failed",
        f"{S48}#5": "succeeded",
    }
    assert list(states(feed, "part").values()) == ["succeeded"]


def only(played: Any, run_id: str, **changes: Any) -> dict[str, Any]:
    """Leave one DAG run, and change it."""
    run = played.runs["demo_sched", run_id] | changes
    played.runs = {("demo_sched", run_id): run}
    return run


def test_a_clear_is_a_rerun_when_its_tries_show_an_earlier_pass(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    only(played, S48, run_type="scheduled")
    played.instances = recordings.recorded("rest_taskinstances.json")["body"]["task_instances"]
    played.tries = recordings.recorded("rest_ti_tries_cleared.json")["body"]["task_instances"]
    source.poll(feed, played.now)
    (attempt,) = feed.attempts("dag").values()
    assert attempt.lane.value == "rerun"


def test_a_first_pass_is_live_however_often_its_tasks_were_retried(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    tries = recordings.recorded("rest_ti_tries_cleared.json")["body"]["task_instances"][:2]
    only(
        played,
        S48,
        run_type="scheduled",
        queued_at="2026-11-24T05:48:20Z",
        start_date="2026-11-24T05:48:23Z",
    )
    played.tries, played.instances = tries, tries[1:]
    source.poll(feed, played.now)
    (attempt,) = feed.attempts("dag").values()
    assert attempt.lane.value == "live"
    assert {each.lane.value for each in feed.attempts("flaky").values()} == {"live"}


def test_a_clear_under_way_is_no_new_pass(played: Any, feed: Any, source: Any) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    only(played, run_id, state="running", end_date=None)
    played.instances = [{
        "task_id": "other", "dag_id": "demo_sched", "dag_run_id": run_id, "map_index": -1,
        "try_number": 1, "state": "success", "start_date": "2026-11-24T05:57:10Z",
        "end_date": "2026-11-24T05:57:20Z",
    }]  # fmt: skip
    source.poll(feed, played.now)
    source.close()
    only(played, run_id, state="running", queued_at="2026-11-24T05:57:40Z")
    source.poll(feed, played.now)
    only(played, run_id, state="success", end_date="2026-11-24T05:58:03Z")
    source.poll(feed, played.now)
    (attempt,) = feed.attempts("dag").values()
    assert (attempt.lane.value, state_of(attempt).value) == ("live", "succeeded")
    assert {each.lane.value for each in feed.signals.values()} == {"live"}


def test_a_pass_that_was_overwritten_while_it_ran_is_cancelled(
    played: Any, feed: Any, source: Any
) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    only(played, run_id, state="running", end_date=None)
    source.poll(feed, played.now)
    source.close()  # what is open is kept in the cursor
    only(
        played,
        run_id,
        state="running",
        queued_at="2026-11-24T05:58:00Z",
        start_date="2026-11-24T05:58:10Z",
        end_date=None,
    )
    source.poll(feed, played.now)
    assert states(feed, "dag") == {
        f"{run_id}@2026-11-24T05:57:01.293527Z": "cancelled",
        f"{run_id}@2026-11-24T05:58:10Z": "running",
    }


def test_a_queued_dag_run_is_pending_and_counts_nowhere_once_it_began(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    # A backfill writes a start already when it queues a run.
    only(played, run_id, state="queued", end_date=None)
    source.poll(feed, played.now)
    (waiting,) = feed.attempts("dag").values()
    assert state_of(waiting).value == "created"
    declaration = recordings.history().latest
    assert not is_void(waiting, declaration, played.now + timedelta(days=1))
    only(played, run_id, state="running")
    source.poll(feed, played.now)
    running, waiting = (each for _, each in sorted(feed.attempts("dag").items()))
    assert is_alive(running)
    assert is_void(waiting, declaration, played.now)


def test_a_task_that_waits_is_pending_until_its_upstream_fails(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    run = only(played, run_id, state="running", end_date=None)
    row = {
        "task_id": "flaky", "dag_id": "demo_sched", "dag_run_id": run_id, "map_index": -1,
        "try_number": 0, "state": None, "start_date": None, "end_date": None,
    }  # fmt: skip
    played.instances = [row]
    declaration = recordings.history().latest
    source.poll(feed, played.now)
    ((name, waiting),) = feed.attempts("flaky").items()
    assert name == f"{run_id}#1"
    assert not is_void(waiting, declaration, played.now)
    moment = "2026-11-24T05:58:00Z"
    played.runs = {("demo_sched", run_id): run | {"state": "failed", "end_date": moment}}
    played.instances = [
        row | {"state": "upstream_failed", "start_date": moment, "end_date": moment}
    ]
    source.poll(feed, played.now)
    assert is_void(feed.attempts("flaky")[name], declaration, played.now)


@pytest.mark.parametrize("state", ["upstream_failed", "skipped"])
def test_a_try_before_one_that_never_ran_is_told_all_the_same(
    state: str, played: Any, feed: Any, source: Any
) -> None:
    """A clear leaves the number as it is until a try begins, and none does."""
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    moment = "2026-11-24T05:59:00Z"
    only(played, run_id, queued_at="2026-11-24T05:58:50Z", start_date="2026-11-24T05:58:55Z")
    row = {"task_id": "flaky", "dag_id": "demo_sched", "dag_run_id": run_id, "map_index": -1}
    first = {"start_date": "2026-11-24T05:57:10Z", "end_date": "2026-11-24T05:57:20Z"}
    never = {"start_date": moment, "end_date": moment}
    played.instances = [row | never | {"try_number": 1, "state": state}]
    played.tries = [row | first | {"try_number": 1, "state": "success"}, *played.instances]
    source.poll(feed, played.now)
    assert states(feed, "flaky") == {f"{run_id}#1": "succeeded"}


def test_a_retry_that_is_to_come_has_its_time(played: Any, feed: Any, source: Any) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    only(played, run_id, state="running", end_date=None)
    played.instances = [{
        "task_id": "flaky", "dag_id": "demo_sched", "dag_run_id": run_id, "map_index": -1,
        "try_number": 1, "state": "up_for_retry", "start_date": "2026-11-24T05:57:10Z",
        "end_date": "2026-11-24T05:57:20Z",
    }]  # fmt: skip
    source.poll(feed, played.now)
    (attempt,) = feed.attempts("flaky").values()
    assert state_of(attempt).value == "failed"
    assert attempt.retry.value.isoformat() == "2026-11-24T05:57:25+00:00"


def test_a_try_that_airflow_heard_no_more_of_is_lost(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    only(played, run_id, state="failed")
    row = {
        "task_id": "flaky", "dag_id": "demo_sched", "dag_run_id": run_id, "map_index": -1,
        "try_number": 1, "state": "failed", "start_date": "2026-11-24T05:57:10Z",
        "end_date": "2026-11-24T05:57:50Z",
    }  # fmt: skip
    played.instances = [row]
    played.logged = [
        {"task_id": "flaky", "map_index": -1, "try_number": 1, "event": "heartbeat timeout"}
    ]
    source.poll(feed, played.now)
    assert states(feed, "flaky") == {f"{run_id}#1": "lost"}
    asked = played.queries("eventLogs")[0]
    assert (asked["event"], asked["run_id"]) == (["heartbeat timeout"], [run_id])


def test_a_task_skipped_by_airflow_is_a_fact_of_the_run_and_no_attempt(
    played: Any, feed: Any, source: Any
) -> None:
    run_id = "scheduled__2026-11-24T05:57:00+00:00"
    moment = "2026-11-24T05:57:10Z"
    only(played, run_id)
    played.instances = [{
        "task_id": "flaky", "dag_id": "demo_sched", "dag_run_id": run_id, "map_index": -1,
        "try_number": 0, "state": "skipped", "start_date": moment, "end_date": moment,
    }]  # fmt: skip
    source.poll(feed, played.now)
    told = [each.kind.value for each in feed.signals.values() if each.job == "flaky"]
    assert told == ["skipped"]
    assert feed.attempts("flaky") == {}


def test_a_dag_run_that_was_deleted_meanwhile_is_passed_over(
    played: Any, feed: Any, source: Any, recordings: Any
) -> None:
    played.instances = recordings.recorded("rest_taskinstances.json")["body"]["task_instances"]
    del played.runs["demo_sched", S48]
    source.poll(feed, played.now)
    assert states(feed, "flaky") == {}
    assert len(feed.attempts("dag")) == 13


BAD = {
    "a wrong type": {"run_after": 5},
    "no time zone": {"run_after": "2026-11-24T05:48:00"},
    "a name far too long": {"dag_run_id": "x" * 251},
    "a year that cannot be": {"start_date": "0001-01-01T00:00:00+14:00"},
    "a missing name": {"dag_run_id": None},
    "deep": {"start_date": [[[[[[]]]]]]},
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_document_is_counted_and_the_others_are_told(
    bad: str, played: Any, feed: Any, source: Any
) -> None:
    played.runs["demo_sched", S48] |= BAD[bad]
    source.poll(feed, played.now)
    assert [code for code, _ in feed.refused] == [RejectCode.UNREADABLE]
    assert len(feed.attempts("dag")) == 13
    assert feed.cursor is not None


def test_an_expired_token_is_renewed_and_nobody_notices(
    played: Any, feed: Any, source: Any
) -> None:
    source.poll(feed, played.now)
    played.valid.clear()
    source.poll(feed, played.now)
    assert len(played.tokens) == 2


def test_a_token_that_is_about_to_end_is_renewed_before(
    played: Any, feed: Any, source: Any
) -> None:
    played.lifetime = timedelta(minutes=30)
    source.poll(feed, played.now)
    played.now += 29 * MINUTE
    source.poll(feed, played.now)
    source.poll(feed, played.now)
    assert len(played.tokens) == 2
    assert "401" not in str(played.asked)


def test_a_token_is_what_was_recorded(recordings: Any) -> None:
    told = recordings.recorded("rest_auth_token.json")
    assert (told["request"], told["status"]) == ("POST /auth/token", 201)
    assert list(told["body"]) == ["access_token"]
    assert told["jwt_claims"]["exp"] - told["jwt_claims"]["iat"] == 24 * 3600


TROUBLE = {
    "too many requests": ("/api/v2/dags/~/dagRuns", 429, {"retry-after": "17"}, b""),
    "a server error": ("/api/v2/dags/~/dagRuns", 500, {}, b"boom"),
    "no JSON": ("/api/v2/dags/~/dagRuns", 200, {}, b"<html>"),
    "half a JSON": ("/api/v2/dags/~/dagRuns", 200, {}, b'{"dag_runs": [{"dag'),
    "bad UTF-8": ("/api/v2/dags/~/dagRuns", 200, {}, b'{"\xff": []}'),
    "no list": ("/api/v2/dags/~/dagRuns", 200, {}, b'{"detail": 5}'),
    "too deep": ("/api/v2/dags/~/dagRuns", 200, {}, b"[" * 100_000),
    "forbidden": ("/api/v2/dags/~/dagRuns", 403, {}, b"{}"),
    "a redirect": ("/api/v2/dags/~/dagRuns", 302, {"location": "http://127.0.0.1:9/"}, b""),
    "no token": ("/auth/token", 201, {}, b"{}"),
    "a token of a wrong type": ("/auth/token", 201, {}, b'{"access_token": 7}'),
    "no API of version 2": ("/auth/token", 404, {}, b"{}"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_loses_nothing_and_is_told_without_a_secret(
    trouble: str, played: Any, feed: Any, source: Any
) -> None:
    played.plan = [TROUBLE[trouble]]
    with pytest.raises(SourceUnavailable) as raised:
        source.poll(feed, played.now)
    assert "right" not in str(raised.value)
    assert (feed.cursor, feed.heard_until) == (None, None)
    if trouble == "too many requests":
        assert raised.value.retry_after == timedelta(seconds=17)
    source.poll(feed, played.now)
    assert len(feed.attempts("dag")) == 14


def test_a_wrong_password_is_told_without_it(played: Any, feed: Any, source: Any) -> None:
    played.password = "another"
    with pytest.raises(SourceUnavailable, match="refuses the name or the password") as raised:
        source.poll(feed, played.now)
    assert "right" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_answer_without_end_is_cut_off(
    played: Any, feed: Any, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.signals.airflow.client.MAX_BODY", 1000)
    with pytest.raises(SourceUnavailable, match="more than 1000 bytes"):
        source.poll(feed, played.now)


def test_an_airflow_that_vanishes_is_unavailable(played: Any, feed: Any) -> None:
    source = AirflowSource(played.settings(url="http://127.0.0.1:9"))
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        source.poll(feed, played.now)
    source.close()


def test_a_ledger_that_is_away_keeps_the_cursor_where_it_was(
    played: Any, feed: Any, source: Any
) -> None:
    feed.away = True
    with pytest.raises(LedgerUnavailable):
        source.poll(feed, played.now)
    feed.away = False
    source.poll(feed, played.now)
    assert len(feed.attempts("dag")) == 14


def test_a_poll_that_is_stopped_half_way_begins_again(played: Any, feed: Any, source: Any) -> None:
    feed.stopping = True
    source.poll(feed, played.now)
    assert (feed.cursor, feed.heard_until) == (None, None)
    feed.stopping = False
    source.poll(feed, played.now)
    assert len(feed.attempts("dag")) == 14


def test_clocks_that_differ_by_less_than_can_be_told_are_the_same(
    played: Any, feed: Any, source: Any
) -> None:
    source.poll(feed, played.now + timedelta(seconds=1))
    assert feed.ahead == timedelta()


def test_a_cursor_that_cannot_be_read_is_a_first_one(played: Any, feed: Any, source: Any) -> None:
    feed.cursor = "{]"
    source.poll(feed, played.now)
    assert json.loads(feed.cursor)["updated"] == "2026-11-24T06:10:00Z"


@pytest.mark.parametrize(("place", "read"), [("elsewhere", 14), ("here", 0), ("untold", 0)])
def test_an_airflow_is_read_on_where_it_was_left_and_another_one_from_its_beginning(
    played: Any, feed: Any, source: Any, place: str, read: int
) -> None:
    source.poll(feed, played.now)
    urls = {"elsewhere": {"url": "http://127.0.0.1:1"}, "here": {"url": played.url}, "untold": {}}
    marks = json.loads(feed.cursor)["jobs"]
    feed.cursor = json.dumps(urls[place] | {"updated": "2026-11-24T06:09:50Z", "jobs": marks})
    feed.signals = {}
    played.updated = dict.fromkeys(played.runs, played.now - timedelta(hours=3))
    source.poll(feed, played.now)
    assert len(feed.attempts("dag")) == read
    assert json.loads(feed.cursor)["url"] == played.url


def test_the_clock_of_airflow_is_told_and_counts(played: Any, feed: Any, source: Any) -> None:
    here = played.now - 3 * MINUTE
    source.poll(feed, here)
    assert feed.ahead == 3 * MINUTE
    assert json.loads(feed.cursor)["updated"] == "2026-11-24T06:10:00Z"
    assert feed.heard_until == here - timedelta(seconds=5)


@pytest.fixture
def spool(recordings: Any, tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    path.write_bytes((recordings.folder / "stream_clear_then_reprocess.ndjson").read_bytes())
    return path


def test_the_file_of_events_keeps_the_passes_that_airflow_overwrote(
    played: Any, feed: Any, spool: Path
) -> None:
    source = AirflowSource(played.settings(lineage_file=str(spool)))
    source.poll(feed, played.now)
    source.close()
    lanes = [
        each.lane.value.value
        for name, each in sorted(feed.attempts("dag").items())
        if name.startswith("scheduled__2026-11-24T05:45")
    ]
    assert lanes == ["live", "rerun", "backfill"]


def test_half_a_line_waits_for_its_other_half_and_none_is_read_twice(
    played: Any, feed: Any, spool: Path
) -> None:
    body = spool.read_bytes()
    spool.write_bytes(body[:-700])
    source = AirflowSource(played.settings(lineage_file=str(spool)))
    source.poll(feed, played.now)
    offset = json.loads(feed.cursor)["lineage"][1]
    assert body[:offset].endswith(b"\n")
    with spool.open("ab") as file:
        file.write(body[-700:])
    source.poll(feed, played.now)
    source.close()
    assert json.loads(feed.cursor)["lineage"][1] == len(body)
    assert {code for code, _ in feed.refused} == {RejectCode.UNBOUND}  # other tasks


def test_a_file_that_begins_anew_is_read_anew(played: Any, feed: Any, spool: Path) -> None:
    source = AirflowSource(played.settings(lineage_file=str(spool)))
    source.poll(feed, played.now)
    first = spool.read_bytes().splitlines(keepends=True)[0]
    spool.write_bytes(first)
    source.poll(feed, played.now)
    source.close()
    assert json.loads(feed.cursor)["lineage"][1] == len(first)


def test_bad_lines_are_counted_and_the_others_are_read(played: Any, feed: Any, spool: Path) -> None:
    bad = [b"\xff\xfe\n", b"{}\n", b"[" * 5000 + b"\n", b'"' + b"x" * 1_100_000 + b'"\n', b"\n"]
    spool.write_bytes(b"".join(bad) + spool.read_bytes())
    source = AirflowSource(played.settings(lineage_file=str(spool)))
    source.poll(feed, played.now)
    source.close()
    codes = [code for code, _ in feed.refused if code is not RejectCode.UNBOUND]
    assert codes == [
        RejectCode.NOT_JSON,
        RejectCode.UNREADABLE,
        RejectCode.UNREADABLE,
        RejectCode.TOO_LARGE,
    ]
    assert any("@2026-11-24T05:48:23.005251Z" in name for name in feed.attempts("dag"))


def test_a_file_that_is_not_there_stops_no_poll(played: Any, feed: Any, tmp_path: Path) -> None:
    source = AirflowSource(played.settings(lineage_file=str(tmp_path / "none")))
    source.poll(feed, played.now)
    source.close()
    assert [code for code, _ in feed.refused] == [RejectCode.UNREADABLE]
    assert len(feed.attempts("dag")) == 14
