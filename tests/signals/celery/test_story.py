"""Which start an end is of: by its runtime, by its worker, by what has not ended yet."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.signals.celery.story import Step, step, tries


def at(after: float, kind: str, host: str = "w1", **more: Any) -> Step:
    return Step(at=after, kind=f"task-{kind}", host=host, **more)


def ends(*steps: Step) -> list[tuple[float | None, list[float]]]:
    """The start of each try, and when its ends were told."""
    return [
        (each.start.at if each.start else None, [end.at for end in each.ends])
        for each in tries(steps)
    ]


def test_the_set_of_events_decides_not_their_order_or_number() -> None:
    told = [at(1, "started"), at(2, "failed"), at(3, "started"), at(4, "failed")]
    assert ends(*reversed(told), *told) == [(1, [2]), (3, [4])]


def test_a_runtime_points_to_its_start() -> None:
    killed, again = at(0, "started"), at(100, "started")
    assert ends(killed, again, at(101, "succeeded", runtime=1.0)) == [(0, []), (100, [101])]


def test_no_start_has_two_successes() -> None:
    first, second = at(0, "started"), at(2, "started")
    one, other = at(10, "succeeded", runtime=9.9), at(11, "succeeded", runtime=10.8)
    assert ends(first, second, one, other) == [(0, [10]), (2, [11])]


def test_a_success_that_points_to_no_known_start_is_of_another_try() -> None:
    assert ends(at(0, "started"), at(100, "succeeded", runtime=1.0)) == [(0, []), (None, [100])]


def test_an_end_is_of_the_latest_start_on_its_worker_that_has_not_ended() -> None:
    assert ends(
        at(0, "started"), at(1, "started", "w2"), at(2, "started"), at(3, "failed"),
        at(4, "retried", "w2"), at(5, "failed"),
    ) == [(0, [5]), (1, [4]), (2, [3])]  # fmt: skip


@pytest.mark.parametrize("order", [("failed", "rejected"), ("rejected", "failed")])
def test_a_failure_and_its_rejection_are_one_end(order: tuple[str, str]) -> None:
    first, second = order
    killed = at(0, "started")
    assert ends(killed, at(5, "started"), at(6, first), at(6.1, second)) == [
        (0, []), (5, [6, 6.1]),
    ]  # fmt: skip


def test_a_retry_comes_when_it_was_announced_for() -> None:
    told = [at(0, "started"), at(0.5, "received", retries=1, eta=60.0), at(1, "retried")]
    assert [each.retry_at for each in tries(told)] == [60.0]
    assert [each.retry_at for each in tries([at(0, "started"), at(1, "retried")])] == [1]
    assert [each.retry_at for each in tries([at(0, "started"), at(1, "failed")])] == [None]


def test_what_is_put_back_into_the_queue_comes_again_at_once() -> None:
    (found,) = tries([at(0, "started"), at(1, "rejected", flag=True)])
    assert found.retry_at == 1


@pytest.mark.parametrize(
    ("exception", "traceback", "told"),
    [
        ("ValueError('hunter2')", "…\nValueError: hunter2", "ValueError"),
        ("pkg.errors.Odd('x')", None, "Odd"),
        ("ExceptionWithTraceback()", "…\nbilliard.exceptions.WorkerLostError: Worker exited "
         "prematurely: signal 9 (SIGKILL) Job: 3.", "WorkerLostError: signal 9 (SIGKILL)"),
        ("WorkerLostError()", "…\nWorkerLostError: Worker exited prematurely: exitcode 3 Job: 3.",
         "WorkerLostError: exitcode 3"),
        # Told by a process before it ends.
        ("WorkerLostError()", "…\nWorkerLostError: Worker exited prematurely: exitcode 3.",
         "WorkerLostError"),
        ("reject requeue=False: hunter2", None, "Reject"),
        ("reject requeue=False: landed: refuse: held", None, "landed: refuse"),
        ("hunter2 is the password", "hunter2 is the password", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_of_an_exception_its_class_is_told(
    exception: str, traceback: str | None, told: str, build: Any
) -> None:
    event = build.event("task-failed", exception=exception, traceback=traceback)
    found = step(event)
    assert found is not None
    assert found.error == told


STEPS = st.builds(
    Step,
    at=st.floats(0, 100),
    kind=st.sampled_from(
        ["task-sent", "task-received", "task-started", "task-succeeded", "task-failed",
         "task-retried", "task-revoked", "task-rejected", "task-cancelled"]
    ),
    host=st.sampled_from(["w1", "w2"]),
    retries=st.integers(0, 2),
    runtime=st.sampled_from([-1.0, 0.0, 5.0]),
    flag=st.booleans(),
)  # fmt: skip


@given(told=st.lists(STEPS, max_size=12))
def test_every_start_is_one_try_and_every_end_is_of_one(told: list[Step]) -> None:
    found = tries(told)
    starts = {each for each in told if each.kind == "task-started"}
    assert [each.start for each in found if each.start] == sorted(starts)
    ended = [end for each in found for end in each.ends]
    silent = ("task-sent", "task-received", "task-started")
    assert sorted(ended) == sorted({each for each in told if each.kind not in silent})
