"""What each recording of a real Celery must give, in any order and however often."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.signals.celery.tasks import SETTLES

AT = datetime(2026, 11, 24, 6, 15, tzinfo=UTC)
"""After the last of them."""

TASKS = (
    "ping", "report", "late", "sleeper", "flaky", "alwaysfail", "late_reject_lost", "rejecter",
    "parent", "child",
)  # fmt: skip

STORIES = {
    "beat_run_plain": ["report/2026-11-24T05:45:00Z live 536ab620 succeeded"],
    # Its marker was made by another scheduler than ours, so it is no proof.
    "beat_run_ledger_scheduler": ["ping/2026-11-24T05:45:00Z live 0eb3e646 succeeded"],
    "expired": ["ping/2026-11-24T05:45:00Z live dd14bb52 cancelled"],
    "kill9_child_acks_late": ["late/2026-11-24T05:45:00Z live 96c5a743 failed by exit"],
    "kill9_child_acks_late_reject_on_lost": [
        "late_reject_lost/2026-11-24T05:45:00Z live 7ca6bf4c failed",
        "late_reject_lost/2026-11-24T05:45:00Z live 7ca6bf4c/660ff49457002 succeeded",
    ],
    "kill9_child_early_ack": ["sleeper/2026-11-24T05:45:00Z live d9ac368d failed by exit"],
    # The first try is silent for ever, and only silence tells.
    "kill9_worker_redis_acks_late": [
        "late/2026-11-24T05:45:00Z live 449437ba running",
        "late/2026-11-24T05:45:00Z live 449437ba/660ff550834e2 succeeded",
    ],
    "kill9_worker_redis_early_ack": ["sleeper/2026-11-24T05:45:00Z live b83e623c running"],
    "kill9_worker_redis_prefetched": [
        "late/2026-11-24T05:45:00Z live b9be0555 succeeded",
        "ping/2026-11-24T05:45:00Z live 74a7eb87 succeeded",
    ],
    "parent_child": [
        "parent/2026-11-24T05:45:00Z live a0ba8f1d succeeded",
        "child/2026-11-24T05:45:00Z live 85be27a4 succeeded",
    ],
    "rabbitmq_durable_queue_catchup": ["ping/2026-11-24T06:00:00Z live 12dec8ed succeeded"],
    "rejected": ["rejecter/2026-11-24T05:45:00Z live 99409772 failed"],
    "retry_exhausted": [
        "alwaysfail/2026-11-24T05:45:00Z live f099d560 failed",
        "alwaysfail/2026-11-24T05:45:00Z live f099d560/1 failed",
    ],
    "retry_then_success": [
        "flaky/2026-11-24T05:45:00Z live be949194 failed",
        "flaky/2026-11-24T05:45:00Z live be949194/1 succeeded",
    ],
    "revoked_before_start": ["ping/2026-11-24T05:45:00Z live 1fd4f5f7 cancelled"],
    "revoked_terminate": ["sleeper/2026-11-24T05:45:00Z live d43c05f0 cancelled by exit"],
    "worker_lifecycle": [],
}


@pytest.fixture(scope="module")
def jobs(build: Any) -> list[Any]:
    return [build.job(task) for task in TASKS]


@pytest.mark.parametrize("name", STORIES)
def test_a_recording_gives_its_runs_and_attempts(
    name: str, build: Any, listening: Any, jobs: Sequence[Any]
) -> None:
    heard = listening(jobs).hear(build.recording(name), AT)
    assert heard.story() == STORIES[name]
    assert heard.refused == []


def test_every_recording_has_its_story(build: Any) -> None:
    recorded = {path.stem for path in build.data.glob("*.json")}
    assert recorded - {"raw_beat_message_protocol2"} == STORIES.keys()


@settings(max_examples=150)
@given(data=st.data(), name=st.sampled_from(sorted(STORIES)))
def test_neither_order_nor_number_of_events_matters(
    data: st.DataObject, name: str, build: Any, listening: Any, jobs: Sequence[Any]
) -> None:
    events = build.recording(name)
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=6))
    heard = listening(jobs)
    for each in data.draw(st.permutations([*events, *repeated])):
        heard.tasks.hear(each, AT)
    heard.keep(heard.tasks.release(AT + SETTLES))
    assert heard.story() == STORIES[name]


@settings(max_examples=150)
# Of the one left out, what a worker calls it is the name of no job; the sender's is.
@given(data=st.data(), name=st.sampled_from(sorted(STORIES.keys() - {"beat_run_ledger_scheduler"})))
def test_events_that_come_later_than_is_waited_for_make_no_attempt_more_or_less(
    data: st.DataObject, name: str, build: Any, listening: Any, jobs: Sequence[Any]
) -> None:
    events = build.recording(name)
    heard, now = listening(jobs), AT
    for each in data.draw(st.permutations([*events, *events])):
        heard.hear([each], now)
        now += timedelta(seconds=data.draw(st.sampled_from([0, 2])))
    starts = {each.timestamp for each in events if each.type == "task-started"}
    assert len([each for each in heard.attempts().values() if each.started]) == len(starts)


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_restart_between_any_two_events_changes_nothing(
    name: str, build: Any, listening: Any, jobs: Sequence[Any]
) -> None:
    events = build.recording(name)
    for cut in range(len(events) + 1):
        before = listening(jobs).hear(events[:cut], AT)
        after = listening(jobs)
        after.tasks.restore(before.saved())
        after.said = before.said
        after.hear(events[cut:], AT + timedelta(minutes=1))
        assert after.story() == STORIES[name]
