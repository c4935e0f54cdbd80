from datetime import UTC, datetime, timedelta

import structlog

from verifier.intake.strangers import COUNTED, SHOWN, Named, Strangers

NOW = datetime(2026, 4, 3, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def lines(strangers, *jobs):
    with structlog.testing.capture_logs() as logs:
        strangers.meet("native", [Named(job, "1", NOW) for job in jobs], NOW)
    return [each["job"] for each in logs]


def test_each_unknown_job_is_logged_once():
    strangers = Strangers()
    assert lines(strangers, "a", "b", "a") == ["a", "b"]
    assert lines(strangers, "a", "c") == ["c"]


def test_no_more_than_so_many_are_told_of():
    strangers = Strangers(most=3)
    assert lines(strangers, *"abcdef") == ["a", "b", "c"]
    assert lines(strangers, "g", "a") == []
    assert [each["job"] for each in strangers.known(())] == ["a", "b", "c"]


def test_how_many_and_when_last_is_told_with_the_declared_job_that_was_probably_meant():
    strangers = Strangers()
    strangers.meet("native", [Named("daily-revnue", "1", NOW), Named("zebra", "1", NOW)], NOW)
    again = [Named("daily-revnue", "2", LATER), Named("daily-revnue", "1", NOW)]
    strangers.meet("native", again, LATER)
    assert strangers.known(["daily-revenue", "daily-report"]) == [
        {
            "job": "daily-revnue",
            "signals": 2,
            "last_at": "2026-04-03T02:05:00Z",
            "did_you_mean": "daily-revenue",
        },
        {
            "job": "zebra",
            "signals": 1,
            "last_at": "2026-04-03T02:00:00Z",
            "did_you_mean": None,
        },
    ]


def test_a_job_that_is_declared_by_now_is_no_stranger():
    strangers = Strangers()
    strangers.meet("native", [Named("new", "1", NOW)], NOW)
    assert strangers.known(["new"]) == []


def test_names_are_compared_for_the_first_few_alone():
    strangers = Strangers()
    strangers.meet(
        "native", [Named(f"job-{number:03}x", "1", NOW) for number in range(SHOWN + 5)], NOW
    )
    told = strangers.known([f"job-{number:03}" for number in range(SHOWN + 5)])
    assert [each["did_you_mean"] is None for each in told] == [False] * SHOWN + [True] * 5


def test_no_more_signals_of_a_job_than_so_many_are_told_apart():
    strangers = Strangers()
    strangers.meet("native", [Named("a", str(number), NOW) for number in range(COUNTED + 50)], NOW)
    assert [each["signals"] for each in strangers.known(())] == [COUNTED]


def test_a_signal_that_comes_again_is_no_later_than_it_was():
    strangers = Strangers()
    for met_at in (LATER, LATER + timedelta(hours=1)):
        strangers.meet("spool", [Named("a", "1", NOW)], met_at)
    assert strangers.known(())[0]["last_at"] == "2026-04-03T02:00:00Z"


def test_a_signal_from_a_clock_that_is_ahead_was_told_when_it_came():
    strangers = Strangers()
    strangers.meet("spool", [Named("a", "1", LATER)], NOW)
    assert strangers.known(())[0]["last_at"] == "2026-04-03T02:00:00Z"


def test_who_tells_of_them_itself_can_have_none_logged():
    assert lines(Strangers(logs=False), "a") == []
