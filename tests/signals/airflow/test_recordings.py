"""Each recording, and the runs, attempts, lanes and end states that it must give."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from verifier.runs.instant import format_instant
from verifier.runs.lifecycle import state_of
from verifier.runs.signal import Signal

S45 = "scheduled__2026-11-24T05:45:00+00:00"
S48 = "scheduled__2026-11-24T05:48:00+00:00"


@pytest.fixture(scope="session")
def seen(recordings: Any) -> Callable[[Iterable[Signal]], list[tuple[Any, ...]]]:
    return lambda signals: _seen(recordings, signals)


def _seen(recordings: Any, signals: Iterable[Signal]) -> list[tuple[Any, ...]]:
    """Each attempt as (name, due, lane, state), by name."""
    return sorted(
        (
            name,
            each.due and format_instant(each.due.value)[11:-4],
            each.lane and each.lane.value.value,
            state_of(each).value,
        )
        for name, each in recordings.folded(signals).items()
    )


def scheduled(due: str) -> str:
    return f"scheduled__2026-11-24T{due}:00+00:00"


def backfill(due: str) -> str:
    return f"backfill__2026-11-24T{due}:00+00:00"


def pass_of(run: str, start: str) -> str:
    return f"{run}@2026-11-24T{start}Z"


POLLED_DAGS = {
    "demo_spool": (None, "manual", "succeeded"),
    "scheduled__2026-11-24T06:09:00+00:00": ("06:09", "live", "succeeded"),
    "scheduled__2026-11-24T06:06:00+00:00": ("06:06", "live", "succeeded"),
    "scheduled__2026-11-24T06:00:00+00:00": ("06:00", "live", "failed"),
    "demo_oldown": (None, "manual", "succeeded"),
    "scheduled__2026-11-24T05:57:00+00:00": ("05:57", "live", "succeeded"),
    "demo_markti": (None, "manual", "succeeded"),
    "demo_markfail": (None, "manual", "failed"),
    "scheduled__2026-11-24T05:54:00+00:00": ("05:54", "live", "succeeded"),
    "manual__2026-11-24T05:53:30.587069+00:00": (None, "manual", "succeeded"),
    "manual__2026-11-24T05:53:16.125169+00:00": ("01:30", "manual", "succeeded"),
    "demo_killboth": (None, "manual", "failed"),
    "scheduled__2026-11-24T05:51:00+00:00": ("05:51", "live", "succeeded"),
    "demo_killchild": (None, "manual", "failed"),
    S48: ("05:48", "backfill", "succeeded"),
    S45: ("05:45", "backfill", "succeeded"),
    "backfill__2026-11-24T03:06:00+00:00": ("03:06", "backfill", "succeeded"),
    "backfill__2026-11-24T03:03:00+00:00": ("03:03", "backfill", "succeeded"),
    "backfill__2026-11-24T03:00:00+00:00": ("03:00", "backfill", "succeeded"),
}


def test_every_recorded_dag_run_has_an_expectation(recordings: Any) -> None:
    assert {run_id for _, run_id in recordings.dag_runs()} == set(POLLED_DAGS)


@pytest.mark.parametrize("run_id", POLLED_DAGS)
def test_a_polled_dag_run_is_one_attempt_of_its_occurrence(
    run_id: str, recordings: Any, seen: Any
) -> None:
    (run,) = [run for key, run in recordings.dag_runs().items() if key[1] == run_id]
    (only,) = seen(recordings.polled(run))
    assert only[1:] == POLLED_DAGS[run_id]
    assert only[0].startswith(f"{run_id}@2026-11-24T")


def test_the_scheduler_was_dead_over_two_slots_and_left_no_trace_of_them(
    recordings: Any, seen: Any
) -> None:
    dues = {
        seen(recordings.polled(run))[0][1]
        for (dag, _), run in recordings.dag_runs().items()
        if dag == "demo_sched"
    }
    assert {"05:57", "06:06"} <= dues
    assert not {"06:00", "06:03"} & dues
    beats = recordings.recorded("rest_health_scheduler_dead.json")
    assert sum("'unhealthy'" in line for line in beats) == 8


def test_tries_before_the_present_pass_keep_no_lane_and_those_of_it_have_its_own(
    recordings: Any, seen: Any
) -> None:
    rows = recordings.tries("rest_ti_tries_cleared.json")
    assert seen(recordings.polled(recordings.dag_runs()["demo_sched", S48], rows, "flaky")) == [
        (f"{S48}#1", "05:48", None, "failed"),
        (f"{S48}#2", "05:48", None, "succeeded"),
        (f"{S48}#3", "05:48", None, "succeeded"),
        (f"{S48}#4", "05:48", "backfill", "failed"),
        (f"{S48}#5", "05:48", "backfill", "succeeded"),
    ]


def test_a_mapped_task_is_one_attempt_a_pass_whatever_the_number_of_its_parts(
    recordings: Any, seen: Any
) -> None:
    rows = recordings.tries("rest_taskinstances.json")
    assert [row.map_index for row in rows if row.task_id == "part"] == [0, 1, 2]
    signals = recordings.polled(recordings.dag_runs()["demo_sched", S48], rows, "part")
    name = pass_of(S48, "05:55:00.291328")
    assert seen(signals) == [(name, "05:48", "backfill", "succeeded")]
    attempt = recordings.folded(signals)[name]
    assert attempt.started == recordings.at("05:55:36.883083")
    assert attempt.progress is not None
    assert (attempt.progress.value.done, attempt.progress.value.total) == (3, 3)


def test_the_tries_of_one_mapped_part_are_no_attempts_of_their_own(
    recordings: Any, seen: Any
) -> None:
    rows = recordings.tries("rest_ti_tries_mapped.json")
    (only,) = seen(recordings.polled(recordings.dag_runs()["demo_sched", S48], rows[-1:], "part"))
    assert only == (pass_of(S48, "05:55:00.291328"), "05:48", "backfill", "succeeded")


def test_a_try_that_airflow_heard_no_heartbeat_of_is_lost_and_not_proven_dead(
    recordings: Any, seen: Any
) -> None:
    logged = recordings.recorded("rest_eventlogs_killed.json")["body"]["event_logs"]
    unheard = frozenset(
        each["try_number"]
        for each in logged
        if each["event"] == "heartbeat timeout" and each["run_id"] == "demo_killboth"
    )
    rows = recordings.tries("rest_ti_tries_killed.json")
    run = recordings.dag_runs()["demo_kill", "demo_killboth"]
    signals = recordings.polled(run, rows, "sleeper", unheard={("sleeper", -1): unheard})
    assert unheard == {1, 2}
    assert [each[3] for each in seen(signals)] == ["lost", "lost"]
    assert all(attempt.proofs == {} for attempt in recordings.folded(signals).values())


def test_a_killed_child_without_a_heartbeat_timeout_failed(recordings: Any, seen: Any) -> None:
    logged = recordings.recorded("rest_eventlogs_killed.json")["body"]["event_logs"]
    assert not [
        each
        for each in logged
        if each["event"] == "heartbeat timeout" and each["run_id"] == "demo_killchild"
    ]
    log = recordings.recorded("rest_ti_log_killed_child.json")
    assert "-9" in str(log)
    rows = recordings.tries("rest_ti_tries_killed.json")
    signals = recordings.polled(
        recordings.dag_runs()["demo_kill", "demo_killboth"], rows, "sleeper"
    )
    assert [each[3] for each in seen(signals)] == ["failed", "failed"]


EVENTS = {
    # a stream, a DAG, a task: the attempts
    ("stream_scheduled_and_retried.ndjson", "demo_sched", None): [
        (pass_of(scheduled("05:51"), "05:51:01.142135"), "05:51", "live", "succeeded"),
        (pass_of(scheduled("05:54"), "05:54:01.880705"), "05:54", "live", "succeeded"),
    ],
    ("stream_scheduled_and_retried.ndjson", "demo_sched", "flaky"): [
        (f"{scheduled('05:51')}#1", "05:51", "live", "failed"),
        (f"{scheduled('05:51')}#2", "05:51", "live", "running"),
        (f"{scheduled('05:54')}#1", "05:54", "live", "failed"),
        (f"{scheduled('05:54')}#2", "05:54", "live", "running"),
    ],
    ("stream_scheduled_and_retried.ndjson", "demo_sched", "part"): [
        (pass_of(scheduled("05:51"), "05:51:01.142135"), "05:51", "live", "running"),
        (pass_of(scheduled("05:54"), "05:54:01.880705"), "05:54", "live", "running"),
    ],
    ("stream_clear_then_reprocess.ndjson", "demo_sched", None): [
        (pass_of(S45, "05:48:23.005251"), "05:45", "live", "succeeded"),
        (pass_of(S45, "05:53:16.626808"), "05:45", "rerun", "succeeded"),
        (pass_of(S45, "05:55:00.255414"), "05:45", "backfill", "succeeded"),
    ],
    ("stream_clear_then_reprocess.ndjson", "demo_sched", "flaky"): [
        (f"{S45}#1", "05:45", "live", "failed"),
        (f"{S45}#2", "05:45", "live", "running"),
        (f"{S45}#3", "05:45", "rerun", "running"),
        (f"{S45}#4", "05:45", "backfill", "failed"),
        (f"{S45}#5", "05:45", "backfill", "running"),
    ],
    ("stream_backfill.ndjson", "demo_sched", None): [
        (pass_of(backfill("03:00"), "05:52:34.591765"), "03:00", "backfill", "succeeded"),
        (pass_of(backfill("03:03"), "05:52:34.626841"), "03:03", "backfill", "succeeded"),
        (pass_of(backfill("03:06"), "05:52:55.437487"), "03:06", "backfill", "succeeded"),
    ],
    ("stream_killed.ndjson", "demo_kill", None): [
        (pass_of("demo_killboth", "05:51:03.854517"), None, "manual", "failed"),
        (pass_of("demo_killchild", "05:49:45.520412"), None, "manual", "failed"),
        (pass_of("demo_markfail", "05:55:07.982625"), None, "manual", "failed"),
        (pass_of("demo_markti", "05:55:25.305539"), None, "manual", "succeeded"),
    ],
    ("stream_killed.ndjson", "demo_kill", "sleeper"): [
        ("demo_killboth#1", None, "manual", "running"),
        ("demo_killboth#2", None, "manual", "running"),
        ("demo_killchild#1", None, "manual", "running"),
        ("demo_killchild#2", None, "manual", "running"),
        ("demo_markfail#1", None, "manual", "running"),
        ("demo_markti#1", None, "manual", "running"),
    ],
    ("stream_failed.ndjson", "demo_fail", None): [
        (pass_of(scheduled("05:00"), "05:48:32.405453"), "05:00", "live", "failed"),
        (pass_of(scheduled("06:00"), "06:07:14.100924"), "06:00", "live", "failed"),
    ],
    ("stream_failed.ndjson", "demo_fail", "bad"): [
        (f"{scheduled('05:00')}#1", "05:00", "live", "failed"),
        (f"{scheduled('06:00')}#1", "06:00", "live", "failed"),
    ],
    ("stream_manual.ndjson", "demo_sched", None): [
        (pass_of("manual__2026-11-24T05:53:16.125169+00:00", "05:53:19.347641"), "01:30", "manual",
         "succeeded"),
    ],
    ("stream_manual.ndjson", "demo_sched", "flaky"): [
        ("manual__2026-11-24T05:53:16.125169+00:00#1", "01:30", "manual", "failed"),
        ("manual__2026-11-24T05:53:16.125169+00:00#2", "01:30", "manual", "running"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", EVENTS, ids=lambda case: f"{case[0][7:-7]}-{case[2]}")
def test_a_stream_of_events_gives_its_attempts(
    case: tuple[str, str, str | None], recordings: Any, seen: Any
) -> None:
    name, dag, task = case
    assert seen(recordings.heard(recordings.stream(name), dag, task)) == EVENTS[case]


SINGLE = {
    "ol_dag_start_scheduled.json": (None, "05:48", "live", "running"),
    "ol_dag_complete_scheduled.json": (None, "05:48", None, "succeeded"),
    "ol_dag_fail.json": (None, "05:00", None, "failed"),
    "ol_dag_start_backfill.json": (None, "03:00", "backfill", "running"),
    "ol_dag_start_manual_null_logical_date.json": (None, None, "manual", "running"),
    "ol_dag_start_manual_with_logical_date.json": (None, "01:30", "manual", "running"),
    "ol_dag_start_after_clear.json": (None, "05:48", "rerun", "running"),
    "ol_dag_fail_child_killed_last_try.json": (None, None, "manual", "failed"),
    "ol_task_start_try1.json": ("flaky", "05:48", "live", "running"),
    "ol_task_fail_try1_will_retry.json": ("flaky", "05:48", "live", "failed"),
    "ol_task_start_mapped.json": ("part", "05:45", "live", "running"),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_single_event_says_what_it_says(name: str, recordings: Any, seen: Any) -> None:
    task, *expected = SINGLE[name]
    one = recordings.event(name)
    assert one.dag_run is not None
    (only,) = seen(recordings.heard([one], one.dag_run.dag_id, task))
    assert list(only[1:]) == expected


@pytest.mark.parametrize(
    "name",
    [
        "ol_task_complete_try2.json",
        "ol_task_fail_lost_worker_scheduler_emitted.json",
        "ol_task_fail_child_killed_with_retry_left.json",
        "ol_task_fail_manual_mark.json",
    ],
)
def test_what_only_polling_can_tell_is_left_to_it(name: str, recordings: Any) -> None:
    one = recordings.event(name)
    dag, task = one.job.name.split(".")
    assert recordings.heard([one], dag, task) == []
    if one.dag_run is not None:
        assert (one.dag_run.dag_id, one.task_id) == (dag, task)


def test_the_events_of_a_run_came_in_the_order_that_was_recorded(recordings: Any) -> None:
    names = ["ol_sequence_killchild.json", "ol_sequence_scheduled_ok.json"]
    for name in names:
        kinds = str(recordings.recorded(name))
        assert "START" in kinds
    spooled = recordings.recorded("ol_file_transport_spool_summary.json")
    assert len(spooled) == 28
    assert [each["eventType"] for each in spooled if each["job"] == "demo_sched"] == [
        "START", "START", "COMPLETE", "COMPLETE",
    ]  # fmt: skip


def test_the_slots_in_the_lane_backfill_are_those_that_were_backfilled(recordings: Any) -> None:
    spans = [
        (each["from_date"], each["to_date"])
        for each in recordings.recorded("rest_backfills.json")["body"]["backfills"]
    ]
    lanes = {
        format_instant(due.value): attempt.lane.value.value
        for (dag, _), run in recordings.dag_runs().items()
        for attempt in recordings.folded(recordings.polled(run)).values()
        if dag == "demo_sched" and (due := attempt.due)
    }
    backfilled = {due for due, lane in lanes.items() if lane == "backfill"}
    assert backfilled == {d for d in lanes if any(start <= d <= end for start, end in spans)}


def test_what_people_did_is_seen_in_the_lanes_without_reading_the_log(recordings: Any) -> None:
    logged = recordings.recorded("rest_eventlogs_operator_actions.json")["body"]["event_logs"]
    triggered = {e["run_id"] for e in logged if e["event"] == "trigger_dag_run"} - {None}
    for key, run in recordings.dag_runs().items():
        (attempt,) = recordings.folded(recordings.polled(run)).values()
        if key[1] in triggered:
            assert attempt.lane.value.value == "manual"
    cleared = {e["run_id"] for e in logged if "clear" in e["event"]}
    assert cleared == {S45, S48}
    passes = recordings.folded(
        recordings.heard(recordings.stream("stream_clear_then_reprocess.ndjson"), "demo_sched")
    )
    assert [each.lane.value.value for _, each in sorted(passes.items())][1] == "rerun"


def test_the_scheduler_that_was_killed_is_among_its_jobs(recordings: Any) -> None:
    jobs = recordings.recorded("rest_jobs.json")["body"]["jobs"]
    (killed,) = [job for job in jobs if job["state"] == "failed"]
    last = killed["latest_heartbeat"]
    assert killed["job_type"] == "SchedulerJob"
    assert last[:-1] in recordings.recorded("rest_health_scheduler_dead.json")[1]


def test_no_recording_is_without_a_test(recordings: Any) -> None:
    files = (recordings.folder.parents[1] / "signals").rglob("*.py")
    text = "".join(path.read_text() for path in files)
    missing = [path.name for path in recordings.folder.iterdir() if path.name not in text]
    assert missing == []
