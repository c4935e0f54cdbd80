"""Tasks under way: whose they are, what of them is kept, and how much."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from verifier.intake.receipt import RejectCode
from verifier.runs.lifecycle import AttemptState, proof_of, state_of
from verifier.runs.signal import EndProof, Lane
from verifier.signals.celery import tasks as module
from verifier.signals.celery.marker import Marker, shadow, task_id


@pytest.fixture
def ping(build: Any, listening: Any) -> Any:
    return listening([build.job("ping", arguments=("region",), result=True)])


def test_all_tries_of_a_task_are_of_the_run_it_was_sent_for(ping: Any, build: Any) -> None:
    late = 40 * 60
    ping.hear(
        [
            build.event("task-received", 60, name="capp.ping"),
            build.event("task-started", 61),
            build.event(
                "task-received", 62, name="capp.ping", retries=1, eta="2026-11-24T12:40:00"
            ),
            build.event("task-retried", 63, exception="OSError()"),
            build.event("task-started", late),
            build.event("task-succeeded", late + 1, runtime=1.0),
        ],
        build.noon + timedelta(hours=1),
    )
    assert ping.story() == [
        "ping/2026-11-24T12:00:00Z live u1 failed",
        "ping/2026-11-24T12:00:00Z live u1/1 succeeded",
    ]
    assert ping.attempts()["u1"].retry.value == build.noon + timedelta(minutes=40)


def test_a_success_is_not_overwritten_by_a_later_revoke(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-succeeded", 2, runtime=1.0),
            build.event("task-revoked", 3, terminated=True),
        ]
    )
    assert ping.story() == ["ping/2026-11-24T12:00:00Z live u1 succeeded by exit"]


@pytest.mark.parametrize(
    ("ended", "proof", "code"),
    [
        ("signal 9 (SIGKILL) Job: 3.", EndProof.EXIT, 137),
        ("exitcode 3 Job: 3.", EndProof.EXIT, 3),
        ("exitcode 0 Job: 3.", EndProof.EXIT, None),
        ("exitcode 3.", EndProof.NONE, None),
    ],
)
def test_a_process_that_its_pool_saw_end_has_ended(
    ping: Any, build: Any, ended: str, proof: EndProof, code: int | None
) -> None:
    told = f"…\nWorkerLostError: Worker exited prematurely: {ended}"
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-failed", 2, exception="WorkerLostError()", traceback=told),
        ]
    )
    (attempt,) = ping.attempts().values()
    assert state_of(attempt) is AttemptState.FAILED
    assert (proof_of(attempt), attempt.ends[0].exit_code) == (proof, code)


def test_a_redelivery_that_is_revoked_does_not_touch_the_try_before(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-received", 30, name="capp.ping"),
            build.event("task-revoked", 31, terminated=False),
        ]
    )
    attempts = ping.attempts()
    assert state_of(attempts.pop("u1")) is AttemptState.RUNNING
    (other,) = attempts.values()
    assert state_of(other) is AttemptState.CANCELLED
    assert other.effects == {"": False}


def test_tries_that_overlap_on_one_worker_each_get_their_own_end(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 0),
            build.event("task-started", 5),
            build.event("task-succeeded", 10, runtime=10.0),
            build.event("task-succeeded", 11, runtime=6.0),
        ]
    )
    first, second = sorted(ping.attempts().values(), key=lambda each: each.started)
    assert first.ends[0].at == build.noon + timedelta(seconds=10)
    assert second.ends[0].at == build.noon + timedelta(seconds=11)


def test_a_time_limit_ends_with_proof(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-failed", 9, exception="TimeLimitExceeded(8,)"),
        ]
    )
    assert ping.story() == ["ping/2026-11-24T12:00:00Z live u1 timed_out by exit"]


def test_a_task_cancelled_for_a_lost_connection_may_still_be_at_work(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-cancelled", 9),
        ]
    )
    attempt = ping.attempts()["u1"]
    assert proof_of(attempt) is EndProof.NONE
    assert attempt.ends[0].survived


def test_what_the_guard_turned_away_began_no_effect(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event(
                "task-failed", 2, exception="reject requeue=False: landed: skip: verified already"
            ),
        ]
    )
    attempt = ping.attempts()["u1"]
    assert state_of(attempt) is AttemptState.CANCELLED
    assert attempt.effects == {"": False}


def test_only_what_a_job_asks_for_is_kept(ping: Any, build: Any) -> None:
    secret = "hunter2"
    ping.hear(
        [
            build.event(
                "task-received", 0, name="capp.ping",
                kwargs=f"{{'region': 'eu', 'password': '{secret}'}}", args=f"('{secret}',)",
            ),
            build.event("task-started", 1),
            build.event("task-succeeded", 2, runtime=1.0, result="'12 rows'"),
            build.event("task-received", 0, name="capp.ping", uuid="u2"),
            build.event("task-started", 1, uuid="u2"),
            build.event(
                "task-failed", 2, uuid="u2", exception=f"ValueError('{secret}')",
                traceback=f"Traceback\n  x = '{secret}'\nValueError: {secret}",
            ),
        ]
    )  # fmt: skip
    labels = [each.labels for each in ping.said.values() if each.labels]
    assert {"region": "eu"} in labels
    assert {"result": "'12 rows'"} in labels
    assert ping.attempts()["u2"].ends[0].reason == "ValueError"
    assert secret not in repr([*ping.said.values(), ping.saved()])


def test_without_being_asked_nothing_is_kept(build: Any, listening: Any) -> None:
    heard = listening([build.job("ping")])
    heard.hear(
        [
            build.event("task-received", 0, name="capp.ping", kwargs="{'region': 'eu'}"),
            build.event("task-started", 1),
            build.event("task-succeeded", 2, runtime=1.0, result="'rows'"),
        ]
    )
    assert all(each.labels is None for each in heard.said.values())


def test_tasks_of_no_job_are_counted_and_leave_nothing(ping: Any, build: Any) -> None:
    for number in range(50):
        ping.hear(
            [
                build.event("task-received", 0, name="other.task", uuid=f"x{number}"),
                build.event("task-started", 1, uuid=f"x{number}"),
            ]
        )
    assert ping.said == {}
    assert [code for code, _ in ping.refused] == [RejectCode.UNBOUND] * 50


def test_events_without_a_name_wait_for_it_and_then_go(ping: Any, build: Any) -> None:
    ping.hear([build.event("task-started", 1)], build.noon)
    ping.hear([], build.noon + timedelta(seconds=30))
    assert ping.said == {}
    ping.hear([], build.noon + timedelta(minutes=2))
    assert [code for code, _ in ping.refused] == [RejectCode.UNBOUND]


class Beat:
    """A run that beat sent, marked."""

    def __init__(self, build: Any, entry: str, minutes: int) -> None:
        self._build = build
        self.due = build.noon + timedelta(minutes=minutes)
        self.uuid = task_id(entry, self.due)
        self.name = shadow("capp.load", Marker(entry, self.due))

    def received(self, after: float, name: str | None = None) -> Any:
        return self._build.event("task-received", after, name=name or self.name, uuid=self.uuid)


def test_a_marked_run_is_of_the_slot_it_was_due_for_however_late_it_starts(
    build: Any, listening: Any
) -> None:
    heard = listening([build.job("eu", "capp.load", beat_entry="load-eu")])
    run = Beat(build, "load-eu", -45)
    heard.hear([run.received(60)])
    assert heard.story() == [f"eu/2026-11-24T11:15:00Z live {run.uuid[:8]} claimed"]


def test_entries_that_send_the_same_task_are_told_apart(build: Any, listening: Any) -> None:
    jobs = [build.job(name, "capp.load", beat_entry=f"load-{name}") for name in ("eu", "us")]
    heard = listening(jobs)
    heard.hear([Beat(build, "load-eu", 0).received(1), Beat(build, "load-us", 0).received(1)])
    assert sorted(each.job for each in heard.attempts().values()) == ["eu", "us"]
    heard.hear([Beat(build, "load-asia", 0).received(1)])
    heard.hear([build.event("task-received", 2, name="capp.load", uuid="by-hand")])
    assert len(heard.attempts()) == 2
    assert [code for code, _ in heard.refused] == [RejectCode.UNBOUND] * 2


def test_once_beat_marks_its_runs_any_other_was_sent_by_hand(build: Any, listening: Any) -> None:
    heard = listening([build.job("eu", "capp.load", beat_entry="load-eu")])
    heard.hear([build.event("task-received", 1, name="capp.load", uuid="before")])
    heard.hear([Beat(build, "load-eu", 0).received(2)])
    heard.hear([build.event("task-received", 3, name="capp.load", uuid="after")])
    attempts = heard.attempts()
    assert attempts["before"].lane is None
    assert attempts["after"].lane.value is Lane.MANUAL
    assert "eu/~after manual after claimed" in heard.story()


def test_a_marker_that_its_id_does_not_prove_is_none(build: Any, listening: Any) -> None:
    heard = listening([build.job("eu", "capp.load", beat_entry="load-eu")])
    forged = build.event("task-received", 1, name=Beat(build, "load-eu", 0).name, uuid="forged")
    heard.hear([forged])
    assert heard.attempts() == {}


def test_a_marked_run_is_known_by_its_id_where_its_name_tells_nothing(
    build: Any, listening: Any
) -> None:
    heard = listening([build.job("eu", "capp.load", beat_entry="load-eu")])
    run = Beat(build, "load-eu", -15)
    heard.hear([run.received(60, name="capp.load")])
    assert heard.attempts()[run.uuid].due.value == run.due
    assert heard.attempts()[run.uuid].lane.value is Lane.LIVE


def test_memory_is_bounded_and_the_oldest_go(
    build: Any, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_OPEN", "MAX_ENDED", "MAX_FOREIGN"):
        monkeypatch.setattr(module, name, 20)
    heard = listening([build.job("ping")])
    for number in range(200):
        now = build.noon + timedelta(minutes=number)
        after = number * 60
        heard.hear(
            [
                build.event("task-received", after, name="capp.ping", uuid=f"open{number}"),
                build.event("task-received", after, name="capp.ping", uuid=f"done{number}"),
                build.event("task-started", after, uuid=f"done{number}"),
                build.event("task-succeeded", after, uuid=f"done{number}", runtime=0.0),
                build.event("task-received", after, name="other", uuid=f"other{number}"),
            ],
            now,
        )
    saved = heard.saved()
    assert len(saved.open) <= 21
    assert len(saved.ended) <= 20
    assert len(heard.attempts()) == 400
    assert RejectCode.TOO_LARGE in [code for code, _ in heard.refused]


def test_a_redelivery_long_after_its_end_is_an_attempt_of_its_own(
    build: Any, listening: Any
) -> None:
    heard = listening([build.job("ping")])
    heard.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-succeeded", 2, runtime=1.0),
        ]
    )
    heard.hear([], build.noon + timedelta(minutes=5))
    assert heard.saved().ended.keys() == {"u1"}
    heard.hear(
        [
            build.event("task-received", 3600, name="capp.ping"),
            build.event("task-started", 3601),
        ],
        build.noon + timedelta(hours=1),
    )
    assert len(heard.attempts()) == 2
    assert [line.split()[-1] for line in heard.story()] == ["succeeded", "running"]


def test_what_was_said_is_not_said_again(ping: Any, build: Any) -> None:
    told = [build.event("task-received", 0, name="capp.ping"), build.event("task-started", 1)]
    ping.hear(told)
    ping.hear([*told, build.event("task-succeeded", 2, runtime=1.0)])
    assert ping.repeats == 0
    assert len(ping.said) == 3


def test_an_end_that_is_told_again_much_later_makes_no_attempt(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-started", 1),
            build.event("task-failed", 2, exception="ValueError()"),
        ]
    )
    ping.hear([], build.noon + timedelta(minutes=1))
    assert ping.saved().ended.keys() == {"u1"}
    ping.hear([build.event("task-rejected", 2.1)], build.noon + timedelta(minutes=1))
    assert ping.story() == ["ping/2026-11-24T12:00:00Z live u1 failed"]


def test_a_start_that_is_told_long_after_its_end_makes_no_attempt(ping: Any, build: Any) -> None:
    ping.hear(
        [
            build.event("task-received", 0, name="capp.ping"),
            build.event("task-succeeded", 2, runtime=1.0),
        ]
    )
    ping.hear([], build.noon + timedelta(minutes=1))
    assert ping.saved().ended.keys() == {"u1"}
    ping.hear([build.event("task-started", 0.99)], build.noon + timedelta(minutes=1))
    assert ping.story() == ["ping/2026-11-24T12:00:00Z live u1 succeeded"]


def test_of_many_that_have_just_ended_little_is_saved(
    build: Any, listening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAVED_RESTING", 3)
    monkeypatch.setattr(module, "SAVED_ENDED", 10)
    heard = listening([build.job("ping")])
    for number in range(20):
        heard.hear(
            [
                build.event("task-received", number, name="capp.ping", uuid=f"u{number}"),
                build.event("task-started", number, uuid=f"u{number}"),
                build.event("task-failed", number, exception="OSError()", uuid=f"u{number}"),
            ],
            build.noon + timedelta(seconds=number),
        )
    saved = heard.saved()
    assert list(saved.resting) == ["u17", "u18", "u19"]
    assert all(len(each.steps) == 3 for each in saved.resting.values())
    assert list(saved.ended) == [f"u{number}" for number in range(10, 20)]
    ended = [msgspec.json.decode(each, type=module.Task) for each in saved.ended.values()]
    assert not any(each.steps for each in ended)
    # What comes late after a restart is still of what it was of.
    before, again = heard.story(), listening([build.job("ping")])
    again.tasks.restore(saved)
    assert again.saved() == saved
    again.said = heard.said
    for uuid in ("u10", "u19"):
        again.hear(
            [build.event("task-rejected", int(uuid[1:]), uuid=uuid)],
            build.noon + timedelta(seconds=20),
        )
    assert again.story() == before


def test_a_task_that_its_worker_calls_otherwise_is_known_by_its_sender(
    ping: Any, build: Any
) -> None:
    ping.hear([build.event("task-received", 0, name="a shadow")])
    ping.hear([build.event("task-sent", 0, name="capp.ping")], build.noon + timedelta(seconds=2))
    ping.hear([build.event("task-started", 3)], build.noon + timedelta(seconds=4))
    assert [line.split()[-1] for line in ping.story()] == ["running"]
