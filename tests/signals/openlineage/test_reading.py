"""Events with anything in them: a signal of a declared job, or a refusal, and nothing else."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.intake.receipt import Refused, RejectCode
from verifier.runs.declaration import Cron, Declaration, Declared, History, Surface, SurfaceKind
from verifier.runs.signal import Signal
from verifier.signals.airflow.jobs import Jobs
from verifier.signals.airflow.settings import AirflowBinding
from verifier.signals.openlineage.reading import (
    MAX_EVENT,
    Listed,
    TooManyEvents,
    signals_in,
    split_events,
)
from verifier.signals.source import BoundJob

DATA = Path(__file__).parents[2] / "data" / "airflow"
FILES = ("ol_dag_start_scheduled.json", "ol_dag_fail.json", "ol_task_fail_try1_will_retry.json")
EVENTS = [json.loads((DATA / name).read_text())["body"] for name in FILES]

DECLARATION = Declaration(
    job="job",
    schedule=Cron(expression="*/3 * * * *"),
    surfaces=(Surface(name="effects", kind=SurfaceKind.NONE),),
    finish_within=timedelta(minutes=3),
    verified_within=timedelta(minutes=5),
    zombie_grace=timedelta(minutes=6),
)
HISTORY = History((Declared(valid_from=datetime(2026, 1, 1, tzinfo=UTC), declaration=DECLARATION),))


def bound(dag: str, task: str | None = None) -> BoundJob[AirflowBinding]:
    binding = AirflowBinding(source="airflow", dag=dag, task=task)
    return BoundJob(name="job", binding=binding, history=HISTORY)


LISTED = [
    Listed(Jobs((bound("demo_sched"), bound("demo_fail"), bound("demo_sched", "flaky"))), None)
]

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the parts of an event that are read."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("unknownSourceAttribute", "tasks", "errorMessage", "tags"):
                found += places(inner, (*path, key))
    return found


@given(data=st.data())
def test_an_event_with_anything_anywhere_is_told_or_refused(data: st.DataObject) -> None:
    event = json.loads(json.dumps(data.draw(st.sampled_from(EVENTS))))
    *way, last = data.draw(st.sampled_from(places(event)))
    inner = event
    for key in way:
        inner = inner[key]
    inner[last] = data.draw(anything)
    told, codes = told_or_refused(json.dumps(event).encode())
    assert codes <= {RejectCode.UNREADABLE, RejectCode.UNBOUND}
    assert {each.job for each in told} <= {"job"}
    assert all(len(each.attempt or "") <= 200 and len(each.id) <= 200 for each in told)


def told_or_refused(body: bytes) -> tuple[list[Signal], set[RejectCode]]:
    try:
        return signals_in(body, LISTED), set()
    except Refused as refusal:
        return [], {refusal.code}


YEARS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31T23:59:59Z"]


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("name", ["start_date", "logical_date", "data_interval_end", "run_after"])
def test_an_instant_that_no_scheduler_has_is_refused(name: str, year: str) -> None:
    event = json.loads(json.dumps(EVENTS[0]))
    event["run"]["facets"]["airflowDagRun"]["dagRun"][name] = year
    with pytest.raises(Refused, match=f"expected {name} between the years 2000 and 2100"):
        signals_in(json.dumps(event).encode(), LISTED)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused(body: bytes) -> None:
    with pytest.raises(Refused) as raised:
        signals_in(body, LISTED)
    assert raised.value.code in (RejectCode.UNREADABLE, RejectCode.NOT_JSON)


def test_an_event_beyond_all_limits_is_not_even_read() -> None:
    with pytest.raises(Refused, match="at most 1048576 bytes"):
        signals_in(b" " * (MAX_EVENT + 1), LISTED)


def test_more_events_than_are_taken_at_a_time_are_refused_whole() -> None:
    assert len(split_events(b"[" + b"5," * 999 + b"5]")) == 1000
    with pytest.raises(TooManyEvents, match="at most 1000 events, found 1001"):
        split_events(b"[" + b"5," * 1000 + b"5]")


def test_an_event_is_of_every_job_that_is_that_dag_or_task() -> None:
    start, _, fail = (json.dumps(event).encode() for event in EVENTS)
    twice = [Listed(Jobs((bound("demo_sched"), bound("demo_sched"))), None)]
    assert len(signals_in(start, twice)) == 2
    assert [each.kind.value for each in signals_in(fail, LISTED)] == ["failed"]


@pytest.mark.parametrize(("namespace", "taken"), [(None, True), ("demo", True), ("other", False)])
def test_a_namespace_that_is_declared_must_be_that_of_the_event(
    namespace: str | None, taken: bool
) -> None:
    listed = [Listed(Jobs((bound("demo_sched"),)), namespace)]
    body = json.dumps(EVENTS[0]).encode()
    if taken:
        assert signals_in(body, listed)
    else:
        with pytest.raises(Refused, match="no job is bound"):
            signals_in(body, listed)


def test_a_run_id_of_any_length_names_an_attempt_that_is_no_anonymous_one() -> None:
    for run_id in ("~" * 250, "é" * 250, "~x"):
        event = json.loads(json.dumps(EVENTS[0]))
        event["run"]["facets"]["airflowDagRun"]["dagRun"]["run_id"] = run_id
        (signal,) = signals_in(json.dumps(event).encode(), LISTED)
        assert signal.attempt is not None
        assert len(signal.attempt) <= 200
        assert not signal.attempt.startswith("~")
