"""The stories that the rules are tested with: what fires, and what only looks like it."""

from collections.abc import Iterator

from verifier.alerts.scenario import (
    HEARTBEAT,
    LOOPS,
    Case,
    Figure,
    Replica,
    always,
    steps,
    stuck_since,
    turning,
)

NOBODYS_JOB = "nobody.wants.to.hear.of.it"
"""A job of severity none: in the metrics, not in the inventory."""

QUIET = (HEARTBEAT,)
_DUE = "landed_job_useful_completion_due_timestamp_seconds"
_LAST = "landed_job_last_useful_completion_timestamp_seconds"
_RECORDED_DUE = "landed:useful_completion_due_timestamp_seconds"
_RECORDED_EVER = "landed:ever_verified"
_TEN = 600.0
"""Minute 10, in seconds."""
_FAR = 36_000.0
_UNTIL_12_AND_FROM_11 = (Replica("a", down=((13, 40),)), Replica("b", down=((0, 10),)))
_TWO = (Replica("a"), Replica("b"))


def _job(metric: str, job: str, *changes: tuple[int, float | None], **more: str) -> Figure:
    return Figure(metric, {"job_name": job, **more}, steps(*changes))


def stale_cases(job: str) -> Iterator[Case]:
    """UsefulCompletionStale and NeverVerified."""
    fires = (HEARTBEAT, f"UsefulCompletionStale {job}")
    never = (HEARTBEAT, f"NeverVerified {job}")
    once = _job(_LAST, job, (0, 1))
    late = _job(_DUE, job, (0, _TEN))
    muted = _job(_DUE, job, (0, _TEN), (15, None))
    yield Case(
        "stale a minute after its limit",
        (once, late),
        fires={10: QUIET, 11: QUIET, 12: fires, 30: fires},
    )
    yield Case(
        "verified in time",
        (once, _job(_DUE, job, (0, _TEN), (10, _FAR))),
        fires={11: QUIET, 12: QUIET, 30: QUIET},
    )
    yield Case(
        "verified late ends it at once",
        (once, _job(_DUE, job, (0, _TEN), (20, _FAR))),
        fires={19: fires, 20: QUIET},
    )
    yield Case(
        "stale through a restart",
        (once, late),
        (Replica(down=((14, 17),)),),
        fires={13: fires, 14: fires[1:], 17: fires[1:], 18: fires},
    )
    yield Case(
        "becomes stale during a restart",
        (once, late),
        (Replica(down=((9, 12),)),),
        fires={11: (), 12: fires[1:], 13: fires},
    )
    yield Case(
        "after 15 minutes without a verifier its absence is all that is known",
        (once, late),
        (Replica(down=((15, 40),)),),
        fires={
            19: fires[1:],
            20: (*fires[1:], "VerifierAbsent"),
            28: (*fires[1:], "VerifierAbsent"),
            29: ("VerifierAbsent",),
            40: ("VerifierAbsent",),
        },
        recorded={
            28: {_RECORDED_DUE: _TEN, _RECORDED_EVER: 1},
            29: {_RECORDED_DUE: None, _RECORDED_EVER: None},
        },
    )
    yield Case(
        "stale while replicas roll",
        (once, late),
        _UNTIL_12_AND_FROM_11,
        fires={11: QUIET, 12: fires, 13: fires, 14: fires},
    )
    yield Case(
        "a replica with old figures makes nothing stale",
        (
            once,
            Figure(_DUE, {"job_name": job}, always(_TEN), replica="a"),
            Figure(_DUE, {"job_name": job}, always(_FAR), replica="b"),
        ),
        _TWO,
        fires={12: QUIET, 30: QUIET},
    )
    yield Case(
        "muted before it is late",
        (once, _job(_DUE, job, (0, _TEN), (8, None))),
        fires={12: QUIET, 30: QUIET},
    )
    yield Case(
        "muted while it is stale, and no ghost in a later restart",
        (once, muted),
        (Replica(down=((18, 20),)),),
        fires={14: fires, 15: QUIET, 18: (), 20: (), 21: QUIET},
    )
    yield Case(
        "a new job that was never verified, beside one that was",
        (_job(_DUE, job, (0, _TEN)), _job(_LAST, NOBODYS_JOB, (0, 1))),
        fires={11: QUIET, 12: never, 30: never},
    )
    yield Case(
        "a new job whose first limit is not reached",
        (_job(_DUE, job, (0, _FAR)),),
        fires={12: QUIET, 40: QUIET},
    )
    yield Case(
        "a new job that is verified late",
        (_job(_DUE, job, (0, _TEN), (20, _FAR)), _job(_LAST, job, (20, 1200))),
        fires={19: never, 20: QUIET, 40: QUIET},
    )
    yield Case(
        "a new job that is muted",
        (_job(_DUE, job, (0, _TEN), (11, None)),),
        fires={12: QUIET, 30: QUIET},
    )
    yield Case(
        "never verified, through a restart",
        (late,),
        (Replica(down=((14, 17),)),),
        fires={13: never, 14: never[1:], 17: never[1:], 18: never},
    )
    yield Case(
        "an old job taken back after a restart is not new",
        (_job(_LAST, job, (0, 1), (11, None)), late),
        (Replica(down=((12, 14),)),),
        fires={13: never[1:], 20: never},
    )
    yield Case(
        "stale, and nobody wants to hear of it",
        (_job(_LAST, NOBODYS_JOB, (0, 1)), _job(_DUE, NOBODYS_JOB, (0, _TEN))),
        fires={12: QUIET, 30: QUIET},
    )


def state_cases(
    job: str, alert: str, recording: str, metric: str, labels: dict[str, str], other: Figure
) -> Iterator[Case]:
    """An alert that fires while a figure is above 0; ``other`` only looks like it."""
    fires = (HEARTBEAT, f"{alert} {job}")

    def figure(*changes: tuple[int, float | None], of: str = job) -> Figure:
        return _job(metric, of, *changes, **labels)

    yield Case(
        f"{alert} while there is one",
        (figure((0, 0), (10, 1), (20, None)),),
        fires={9: QUIET, 10: fires, 19: fires, 20: QUIET},
    )
    yield Case(f"no {alert} for what resembles it", (other,), fires={10: QUIET, 20: QUIET})
    yield Case(
        f"{alert} through a restart",
        (figure((0, 2)),),
        (Replica(down=((12, 15),)),),
        fires={11: fires, 12: fires[1:], 15: fires[1:], 16: fires},
        recorded={15: {recording: 2}},
    )
    yield Case(
        f"{alert} that was over before a restart leaves no ghost",
        (figure((0, 1), (11, None)),),
        (Replica(down=((13, 15),)),),
        fires={10: fires, 11: QUIET, 13: (), 15: (), 16: QUIET},
    )
    yield Case(
        f"{alert} is handed over after 15 minutes without a verifier",
        (figure((0, 1)),),
        (Replica(down=((15, 40),)),),
        fires={28: (*fires[1:], "VerifierAbsent"), 29: ("VerifierAbsent",)},
    )
    yield Case(
        f"{alert} while replicas roll",
        (figure((0, 2)),),
        _UNTIL_12_AND_FROM_11,
        fires={11: fires, 12: fires, 13: fires},
        recorded={minute: {recording: 2} for minute in (10, 11, 12, 13)},
    )
    yield Case(
        f"{alert} of a replica that knows more",
        (
            Figure(metric, {"job_name": job, **labels}, always(1), replica="a"),
            Figure(metric, {"job_name": job, **labels}, always(3), replica="b"),
        ),
        _TWO,
        fires={10: fires},
        recorded={10: {recording: 3}},
    )
    yield Case(
        f"{alert}, and nobody wants to hear of it",
        (figure((0, 1), of=NOBODYS_JOB),),
        fires={10: QUIET},
    )
    yield Case(
        f"{alert} of a muted and of a new job is told",
        (
            figure((0, 1)),
            _job("landed_job_muted_until_timestamp_seconds", job, (0, _FAR)),
            _job("landed_job_registered_timestamp_seconds", job, (0, 1)),
        ),
        fires={0: fires, 10: fires},
    )


def job_cases(job: str) -> Iterator[Case]:
    """All alerts about jobs."""
    yield from stale_cases(job)
    partial = _job("landed_runs_open", job, (0, 1), lane="live", verdict="partial")
    for alert, verdict in (
        ("RunMissing", "missing"),
        ("CompletionAmbiguous", "ambiguous"),
        ("RunDuplicated", "duplicated"),
    ):
        recording = f"landed:runs_{verdict}"
        labels = {"lane": "live", "verdict": verdict}
        yield from state_cases(job, alert, recording, "landed_runs_open", labels, partial)
        yield Case(
            f"{alert} adds up lanes",
            (
                _job("landed_runs_open", job, (0, 1), lane="live", verdict=verdict),
                _job("landed_runs_open", job, (0, 2), lane="other", verdict=verdict),
            ),
            fires={10: (HEARTBEAT, f"{alert} {job}")},
            recorded={10: {recording: 3}},
        )
    yield from state_cases(
        job,
        "FalseSuccess",
        "landed:false_successes_open",
        "landed_false_successes_open",
        {},
        partial,
    )
    yield from state_cases(
        job,
        "ReplayOverUnknown",
        "landed:replays_over_unknown",
        "landed_run_conditions",
        {"condition": "replaying_unknown"},
        _job("landed_run_conditions", job, (0, 1), condition="at_large"),
    )


def verifier_cases() -> Iterator[Case]:
    """Alerts about the verifier."""
    absent, hung = ("VerifierAbsent",), "VerifierHung tick"
    yield Case("never scraped", replicas=(), fires={0: (), 4: (), 5: absent, 40: absent})
    yield Case(
        "a restart of four minutes",
        replicas=(Replica(down=((10, 14),)),),
        fires={9: QUIET, 10: (), 14: (), 15: QUIET, 20: QUIET},
    )
    yield Case(
        "gone for five minutes, and back",
        replicas=(Replica(down=((10, 29),)),),
        fires={14: (), 15: absent, 29: absent, 30: QUIET},
    )
    yield Case(
        "one of two replicas is gone",
        replicas=(Replica("a"), Replica("b", down=((10, 40),))),
        fires={15: QUIET, 40: QUIET},
    )
    yield Case(
        "scraped, and its loop stands still",
        loops={**LOOPS, "tick": (1, stuck_since(10))},
        fires={11: QUIET, 12: (), 13: (), 14: (hung,), 40: (hung,)},
    )
    yield Case(
        "a slow loop has more time",
        loops={**LOOPS, "reload": (120, stuck_since(10))},
        fires={20: QUIET, 21: (), 22: (), 23: ("VerifierHung reload",)},
    )
    slow, reload = {"loop": "reload"}, "landed_last_evaluation_timestamp_seconds"
    intervals = (
        Figure("landed_loop_interval_seconds", slow, always(60), replica="a"),
        Figure("landed_loop_interval_seconds", slow, always(120), replica="b"),
    )
    yield Case(
        "one of two replicas stands still",
        (
            *intervals,
            Figure(reload, slow, stuck_since(10), replica="a"),
            Figure(reload, slow, turning, replica="b"),
        ),
        _TWO,
        fires={23: QUIET, 40: QUIET},
    )
    yield Case(
        "both replicas stand still",
        (*intervals, Figure(reload, slow, stuck_since(10))),
        _TWO,
        fires={20: QUIET, 21: (), 22: (), 23: ("VerifierHung reload",)},
    )
    yield Case(
        "its loop never turned at all",
        loops={**LOOPS, "tick": (1, lambda _: None)},
        fires={0: (), 1: (), 2: (hung,), 40: (hung,)},
    )
    yield Case(
        "the ledger is away, so no loop turns, until it is back",
        loops={
            loop: (interval, lambda now: turning(now) if now >= 30 else min(now, 10) * 60.0)
            for loop, (interval, _) in LOOPS.items()
        },
        fires={11: QUIET, 14: ("VerifierHung metrics", hung), 30: QUIET},
    )
    yield Case(
        "a restart while it hangs",
        replicas=(Replica(down=((16, 18),)),),
        loops={
            **LOOPS,
            "tick": (1, lambda now: turning(now) if now >= 19 else min(now, 10) * 60.0),
        },
        fires={15: (hung,), 16: (), 18: (), 19: QUIET, 25: QUIET},
    )


def source_cases() -> Iterator[Case]:
    """SourceSilent."""
    contact = "landed_source_contact_due_timestamp_seconds"
    cron, native = {"source": "hostcron"}, {"source": "native"}
    fires = (HEARTBEAT, "SourceSilent hostcron")
    polled = Figure(contact, native, lambda minute: minute * 60.0 + 35)

    def due(*changes: tuple[int, float | None]) -> Figure:
        return Figure(contact, cron, steps(*changes))

    yield Case(
        "a source is silent, and another is not",
        (due((0, _TEN)), polled),
        fires={10: QUIET, 15: QUIET, 16: fires, 40: fires},
    )
    yield Case(
        "a source that is heard again in time",
        (due((0, _TEN), (15, _FAR)),),
        fires={14: QUIET, 16: QUIET, 40: QUIET},
    )
    yield Case(
        "a source that is heard again late ends it at once",
        (due((0, _TEN), (20, _FAR)),),
        fires={19: fires, 20: QUIET},
    )
    yield Case(
        "a source that is no longer declared is not missed",
        (due((0, _TEN), (20, None)),),
        fires={19: fires, 21: QUIET},
    )
    yield Case(
        "of two replicas one has figures from before",
        (
            Figure(contact, cron, always(_TEN), replica="a"),
            Figure(contact, cron, always(_FAR), replica="b"),
        ),
        _TWO,
        fires={16: QUIET, 40: QUIET},
    )
    yield Case(
        "both replicas tell that it is silent",
        (due((0, _TEN)),),
        _TWO,
        fires={15: QUIET, 16: fires},
    )
    yield Case(
        "a restart while it is silent",
        (due((0, _TEN)),),
        (Replica(down=((20, 22),)),),
        fires={19: fires, 21: (), 23: QUIET, 27: QUIET, 28: fires},
    )


def clock_cases() -> Iterator[Case]:
    """ClockSkew."""
    fires = (HEARTBEAT, "ClockSkew hostcron")

    def ahead(*changes: tuple[int, float | None], of: str = "hostcron") -> Figure:
        return Figure("landed_source_clock_offset_seconds", {"source": of}, steps(*changes))

    def of_replica(name: str, seconds: float) -> Figure:
        labels = {"source": "hostcron"}
        return Figure("landed_source_clock_offset_seconds", labels, always(seconds), replica=name)

    yield Case(
        "ClockSkew of a source that is ahead, and not of another",
        (ahead((0, 0), (10, 31)), ahead((0, 2), of="airflow")),
        fires={14: QUIET, 15: fires, 40: fires},
    )
    yield Case("ClockSkew of a source that is behind", (ahead((0, -31)),), fires={5: fires})
    yield Case("no ClockSkew of half a minute", (ahead((0, 30)),), fires={5: QUIET, 40: QUIET})
    yield Case("no ClockSkew where no clock is known", (), fires={5: QUIET, 40: QUIET})
    yield Case(
        "ClockSkew is over once the clock is set",
        (ahead((0, 60), (20, 1)),),
        fires={19: fires, 20: QUIET, 40: QUIET},
    )
    yield Case(
        "no ClockSkew of a clock that is soon set",
        (ahead((0, 0), (10, 60), (14, 0)),),
        fires={14: QUIET, 15: QUIET, 40: QUIET},
    )
    yield Case(
        "ClockSkew is not added up over replicas",
        (of_replica("a", 20), of_replica("b", 20)),
        _TWO,
        fires={5: QUIET, 40: QUIET},
    )
    yield Case(
        "ClockSkew that one of two replicas knows of",
        (of_replica("a", 0), of_replica("b", 40)),
        _TWO,
        fires={5: fires},
    )


def loudness_cases(job: str) -> Iterator[Case]:
    """Every alert about jobs once, for a job that is as loud as no other in the tests."""
    due = _job(_DUE, job, (0, _TEN))
    open_runs = [
        _job("landed_runs_open", job, (0, 1), lane="live", verdict=verdict)
        for verdict in ("missing", "ambiguous", "duplicated")
    ]
    replay = _job("landed_run_conditions", job, (0, 1), condition="replaying_unknown")
    lied = _job("landed_false_successes_open", job, (0, 1))
    names = (
        "RunMissing",
        "CompletionAmbiguous",
        "RunDuplicated",
        "ReplayOverUnknown",
        "FalseSuccess",
        "UsefulCompletionStale",
    )
    yield Case(
        f"all that can be wrong with {job} at once",
        (due, _job(_LAST, job, (0, 1)), *open_runs, replay, lied),
        fires={12: (HEARTBEAT, *(f"{name} {job}" for name in names))},
    )
    yield Case(f"{job} was never verified", (due,), fires={12: (HEARTBEAT, f"NeverVerified {job}")})


def all_cases(jobs: tuple[str, ...]) -> Iterator[Case]:
    """Every story: at length those of the first of ``jobs``, in short those of the others."""
    for job in jobs[:1]:
        yield from job_cases(job)
    for job in jobs[1:]:
        yield from loudness_cases(job)
    yield from source_cases()
    yield from clock_cases()
    yield from verifier_cases()
