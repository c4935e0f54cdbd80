from datetime import UTC, datetime, timedelta

import pytest

from verifier.ledger.listing import RunFilter
from verifier.ledger.windows import BlindWindow, heard_again, silence
from verifier.runs.declaration import Every
from verifier.runs.slots import bind
from verifier.runs.standing import standing


def window(build, since, until, caught_up_at):
    instants = (build.at(each) if each else None for each in (since, until, caught_up_at))
    return BlindWindow("native", *instants)


@pytest.mark.parametrize(
    ("since", "until", "covers"),
    [
        ("01:00", "01:58:59", False),
        ("01:00", "01:59", True),
        ("02:01", "02:02", True),
        ("02:05", "02:30", True),
        ("02:05:01", "02:30", False),
        ("01:00", "09:00", True),
    ],
)
def test_a_window_matters_from_a_minute_before_the_slot_to_the_last_moment_to_start(
    build, since, until, covers
):
    blind = [window(build, since, until, "10:00")]
    after, deaf = silence(blind, build.at("02:00"), build.job())
    assert (after, deaf) == (build.at("10:00") if covers else None, False)


@pytest.mark.parametrize(
    ("every", "early"), [(30, 7.5), (60, 15), (240, 60), (900, 60)], ids=lambda each: f"{each} s"
)
def test_a_window_reaches_as_far_as_a_signal_that_came_in_it_may_be_of_a_later_slot(
    build, every, early
):
    job = build.job(schedule=Every(period=timedelta(seconds=every)))
    for less in (0, 0.001):
        until = build.at("02:00") - timedelta(seconds=early + less)
        blind = [BlindWindow("native", build.at("01:00"), until, None)]
        assert silence(blind, build.at("02:00"), job) == (None, less == 0)
        assert (bind(job.schedule, until) == build.at("02:00")) is (less == 0)


def test_a_window_before_the_first_slot_that_there_is_may_have_kept_a_start_from_us(build):
    first = datetime.min.replace(tzinfo=UTC)
    blind = [BlindWindow("native", first, first, None)]
    assert silence(blind, first + timedelta(seconds=1), build.job()) == (None, True)


def test_silence_proves_nothing_while_a_window_is_open_or_was_not_caught_up(build):
    due, job = build.at("02:00"), build.job()
    assert silence([window(build, "01:00", None, None)], due, job) == (None, True)
    assert silence([window(build, "01:00", "02:30", None)], due, job) == (None, True)
    assert silence([window(build, "03:00", None, None)], due, job) == (None, False)


def test_of_several_windows_the_last_to_be_caught_up_counts(build):
    blind = [window(build, "01:00", "02:01", "02:40"), window(build, "02:02", "02:03", "02:20")]
    assert silence(blind, build.at("02:00"), build.job()) == (build.at("02:40"), False)


def test_what_is_lost_in_a_window_is_never_caught_up_and_outside_of_one_nothing_is_lost(build):
    blind = [window(build, "01:00", "02:01", "02:40")]
    assert silence(blind, build.at("02:00"), build.job(), lost=True) == (None, True)
    assert silence(blind, build.at("03:00"), build.job(), lost=True) == (None, False)


def test_a_run_is_heard_again_when_all_that_comes_late_from_its_windows_had_come(build):
    due, job = build.at("02:00"), build.job()
    over = [window(build, "01:00", "02:03", None), window(build, "02:01", "02:02", "02:20")]
    later = window(build, "02:30", "02:40", None)
    assert heard_again(over[:1], due, job) == build.at("02:03")
    assert heard_again([*over, later], due, job) == build.at("02:20")
    assert heard_again([*over, window(build, "02:05", None, None)], due, job) is None
    assert heard_again([later], due, job) is None


def test_the_first_instant_that_there_is_can_be_due(ledger, told, build):
    first = datetime.min.replace(tzinfo=UTC)
    told(build.signal("started", "02:00", due=first))
    ledger.blind("native", build.at("01:00"), None, None)
    assert [row.key.due for row in ledger.runs(RunFilter())] == [first]


def test_windows_are_kept_and_replaced_by_source_and_beginning(ledger, build):
    ledger.blind("native", build.at("01:00"), None, None)
    ledger.blind("celery", build.at("00:30"), build.at("00:40"), None)
    ledger.blind("native", build.at("01:00"), build.at("02:30"), build.at("02:31"))
    kept = window(build, "01:00", "02:30", "02:31")
    assert ledger.windows("native") == [kept]
    assert ledger.windows() == [
        BlindWindow("celery", build.at("00:30"), build.at("00:40"), None),
        kept,
    ]


def test_a_run_is_not_called_missing_before_what_nobody_heard_was_caught_up(ledger, told, build):
    told(build.signal("started", "-1 02:00"), build.signal("succeeded", "-1 02:10"))
    ledger.blind("native", build.at("01:00"), None, None)
    ledger.expect("nightly", [build.at("02:00")], build.at("02:06"))
    facts = ledger.facts(build.nightly, build.at("05:00"))
    assert (facts.deaf, facts.miss_after) == (True, None)
    assert standing(facts, build.at("05:00")).next_look is None
    ledger.judge([build.nightly], build.at("05:00"))
    assert build.nightly not in ledger.awake(build.at("05:00"), 10)
    ledger.blind("native", build.at("01:00"), build.at("05:00"), build.at("05:10"))
    assert build.nightly in ledger.awake(build.at("05:00"), 10)
    ledger.judge([build.nightly], build.at("05:00"))
    assert ledger.row(build.nightly).wake_at == build.at("05:10")
    facts = ledger.facts(build.nightly, build.at("05:10"))
    assert (facts.deaf, facts.miss_after) == (False, build.at("05:10"))


def test_a_window_that_is_found_out_later_wakes_what_was_called_missing(ledger, build):
    ledger.expect("nightly", [build.at("02:00"), build.at("-1 02:00")], build.at("02:00"))
    for when in ("02:05", "02:05:10"):
        answer = build.evaluation(build.nightly, when, "none", "miss")
        ledger.record(build.nightly, answer, build.at(when))
    assert ledger.row(build.nightly).verdict == "missing"
    ledger.blind("native", build.at("01:30"), build.at("02:30"), None)
    assert build.nightly in ledger.awake(build.at("02:31"), 10)
    ledger.judge([build.nightly], build.at("02:31"))
    assert ledger.row(build.nightly).verdict is None


def test_a_window_wakes_nobody_whom_it_does_not_concern(ledger, told, build):
    key = told.night()
    ledger.expect("nightly", [build.at("-1 02:00")], build.at("02:00"))
    ledger.judge([build.key("nightly", "-1 02:00")], build.at("02:11"))
    before = ledger.row(key), ledger.row(build.key("nightly", "-1 02:00"))
    ledger.blind("native", build.at("01:30"), build.at("02:30"), None)
    assert (ledger.row(key), ledger.row(build.key("nightly", "-1 02:00"))) == before


def test_a_source_is_known_to_have_been_heard_last(ledger, build):
    assert ledger.last_listening("native") is None
    ledger.listening("native", build.at("02:00"))
    ledger.listening("native", build.at("02:00:05.25"))
    assert ledger.last_listening("native") == build.at("02:00:05.25")
    assert ledger.last_listening("celery") is None
