"""Polling and events tell the same of the same run: alone, or both, in any order."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.lifecycle import end_of, state_of
from verifier.runs.signal import Signal

S45 = "scheduled__2026-11-24T05:45:00+00:00"
S48 = "scheduled__2026-11-24T05:48:00+00:00"

STREAMS = [
    "stream_scheduled_and_retried.ndjson",
    "stream_clear_then_reprocess.ndjson",
    "stream_backfill.ndjson",
    "stream_killed.ndjson",
    "stream_failed.ndjson",
    "stream_manual.ndjson",
]


def summary(recordings: Any, signals: Iterable[Signal]) -> dict[str, tuple[Any, ...]]:
    """Of each attempt: its run, its lane, where it stands, and when it began and ended."""
    return {
        name: (
            each.due and each.due.value,
            each.lane and each.lane.value,
            state_of(each),
            each.started,
            (end := end_of(each)) and end.at,
        )
        for name, each in recordings.folded(signals).items()
    }


def both(recordings: Any) -> Iterable[tuple[str, list[Signal], list[Signal]]]:
    """Of each DAG run that both tell of: its polled signals, and those of its events."""
    events = [event for name in STREAMS for event in recordings.stream(name)]
    for (dag, run_id), run in recordings.dag_runs().items():
        of_run = [e for e in events if e.dag_run is not None and e.dag_run.run_id == run_id]
        if of_run:
            yield run_id, recordings.polled(run), recordings.heard(of_run, dag)


def test_events_alone_tell_of_a_dag_what_polling_tells(recordings: Any) -> None:
    compared = 0
    for _, polled, heard in both(recordings):
        expected = summary(recordings, polled)
        told = summary(recordings, heard)
        assert {name: told[name] for name in expected} == expected
        compared += 1
    assert compared == 12


def test_only_events_tell_of_passes_that_airflow_overwrote(recordings: Any) -> None:
    more = {
        run_id: len(summary(recordings, heard)) - len(summary(recordings, polled))
        for run_id, polled, heard in both(recordings)
    }
    assert {run_id: count for run_id, count in more.items() if count} == {S45: 2}


@given(data=st.data())
def test_the_order_of_both_changes_nothing_and_no_attempt_is_counted_twice(
    recordings: Any, data: st.DataObject
) -> None:
    _, polled, heard = data.draw(st.sampled_from(list(both(recordings))))
    shuffled = data.draw(st.permutations([*polled, *heard, *polled]))
    expected = summary(recordings, heard) | summary(recordings, polled)
    assert summary(recordings, shuffled) == expected
    assert recordings.folded(shuffled) == recordings.folded([*polled, *heard])


TASK_EVENTS = [
    "ol_task_start_try1.json",
    "ol_task_fail_try1_will_retry.json",
    "ol_task_complete_try2.json",
]


@given(data=st.data())
def test_events_add_no_try_to_those_that_were_polled(recordings: Any, data: st.DataObject) -> None:
    rows = recordings.tries("rest_ti_tries_cleared.json")
    polled = recordings.polled(recordings.dag_runs()["demo_sched", S48], rows, "flaky")
    heard = recordings.heard(map(recordings.event, TASK_EVENTS), "demo_sched", "flaky")
    alone = summary(recordings, polled)
    together = summary(recordings, data.draw(st.permutations([*polled, *heard])))
    assert {name: each[2] for name, each in together.items()} == {
        name: each[2] for name, each in alone.items()
    }
    assert together[f"{S48}#1"][1] == "live"  # the first pass, which polling came too late for
    for name, each in together.items():
        for moment, polled_at in zip(each[3:], alone[name][3:], strict=True):
            assert abs(moment - polled_at).total_seconds() < 0.1


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_told_twice_and_backwards_is_the_stream(recordings: Any, name: str) -> None:
    events = recordings.stream(name)
    pairs = {(e.dag_run.dag_id, e.task_id) for e in events if e.dag_run is not None}
    for dag, task in pairs:
        forwards = recordings.heard(events, dag, task)
        backwards = recordings.heard([*events[::-1], *events], dag, task)
        assert recordings.folded(backwards) == recordings.folded(forwards)
