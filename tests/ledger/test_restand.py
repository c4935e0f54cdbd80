from datetime import timedelta

import msgspec
import pytest

from verifier.ledger import facts as run_facts
from verifier.ledger.evaluations import Answered
from verifier.ledger.listing import RunFilter
from verifier.runs.declaration import CheckTraits, Covers, CoversOffset, Every, Overlap
from verifier.runs.evaluation import PartitionCount
from verifier.runs.guard import Decision, Ruling
from verifier.runs.signal import Kind, Signal
from verifier.runs.standing import standing

HOUR = timedelta(hours=1)


def changes(ledger, key):
    return [
        (str(each.was) if each.was else None, str(each.became) if each.became else None)
        for each in ledger.revisions(key)
    ]


def test_a_run_is_judged_when_what_it_waits_for_comes(ledger, told, build, counted):
    key = told.night()
    row = ledger.row(key)
    assert (row.state, row.verdict, row.effect, row.useful, row.open) == (
        "judged",
        "verified",
        "complete",
        True,
        False,
    )
    assert row.completed_at == build.at("02:10")
    assert row.judged_at == row.first_judged_at == build.at("02:10:10")
    assert row.evaluation_id == f"{key.run_id}/02:10:10"
    assert row.wake_at is None
    assert changes(ledger, key) == [(None, "verified")]
    assert counted("landed_runs_judged_total") == {("live", "verified"): 1}
    assert counted("landed_attempts_total") == {("live", "succeeded"): 1}


def test_judging_again_changes_nothing(ledger, told, build, rows):
    key = told.night()
    tables = ("runs", "revisions", "tallies", "evaluations", "attempts")
    before = {table: rows(table) for table in tables}
    answer = build.evaluation(key, "02:10:10", "complete", expected=3, done=3)
    ledger.record(key, answer, build.at("02:20"))
    ledger.judge([key], build.at("02:21"))
    ledger.expect("nightly", [build.at("02:00")], build.at("02:22"))
    told(build.signal("started", "02:00:01"), at="02:23")
    assert {table: rows(table) for table in tables} == before


def test_a_second_look_that_differs_is_a_revision_for_the_worse_or_the_better(
    ledger, told, build, counted
):
    key = told.night()
    ledger.record(key, build.evaluation(key, "03:00", "partial"), build.at("03:00"))
    assert changes(ledger, key) == [(None, "verified")]
    ledger.record(key, build.evaluation(key, "03:01", "partial", "confirm"), build.at("03:01"))
    row = ledger.row(key)
    assert (row.verdict, row.false_success, row.open, row.useful) == ("partial", True, True, False)
    assert counted("landed_verdict_revisions_total") == {("worse",): 1}
    ledger.record(key, build.evaluation(key, "04:00", "complete"), build.at("04:00"))
    assert changes(ledger, key) == [
        (None, "verified"),
        ("verified", "partial"),
        ("partial", "verified"),
    ]
    assert [each.evaluation_id for each in ledger.revisions(key)] == [
        f"{key.run_id}/{when}" for when in ("02:10:10", "03:01", "04:00")
    ]
    assert counted("landed_verdict_revisions_total") == {("worse",): 1, ("better",): 1}
    assert counted("landed_false_successes_total") == {(): 1}
    assert counted("landed_runs_judged_total") == {("live", "verified"): 1}
    row = ledger.row(key)
    assert (row.first_judged_at, row.judged_at) == (build.at("02:10:10"), build.at("04:00"))


def test_a_new_attempt_opens_a_run_again_and_that_is_no_second_first_verdict(
    ledger, told, build, counted
):
    key = told.night()
    told(build.signal("started", "05:00", attempt="a2", due=build.at("02:00"), lane="rerun"))
    row = ledger.row(key)
    assert (row.state, row.verdict, row.judged_at) == ("running", None, None)
    assert row.first_judged_at == build.at("02:10:10")
    told(build.signal("succeeded", "05:10", attempt="a2"))
    ledger.record(key, build.evaluation(key, "05:10:10", "complete"), build.at("05:10:10"))
    assert changes(ledger, key) == [(None, "verified"), ("verified", None), (None, "verified")]
    assert counted("landed_runs_judged_total") == {("live", "verified"): 1}
    assert counted("landed_verdict_revisions_total") == {}
    assert counted("landed_attempts_total") == {("live", "succeeded"): 1, ("rerun", "succeeded"): 1}


def test_each_revision_keeps_what_made_it_necessary(ledger, told, build, rows):
    told.night()
    told(build.signal("started", "05:00", attempt="a2", due=build.at("02:00")))
    assert [row[-1] for row in rows("revisions")] == ["end", "signal"]


def test_a_run_that_a_person_or_the_guard_dealt_with_is_not_forgotten(ledger, told, build):
    quarter = build.key("quarter", "02:00")
    told(build.signal("started", "02:00:05"), build.signal("started", "02:00:05", job="quarter"))
    ledger.act(build.action("skip", "02:01", key=build.nightly))
    refusal = Ruling(Decision.REFUSE, "no")
    claim = build.signal("claimed", "02:02", attempt="g", job="quarter")
    ledger.grant(quarter, lambda _: refusal, claim, now=build.at("02:02"))
    before = build.at("-1 02:00")
    told(build.signal("created", "01:59", due=before))
    told(build.signal("created", "01:59", due=before, job="quarter"))
    assert ledger.attempts(build.nightly) == ledger.attempts(quarter) == []
    assert ledger.row(build.nightly).verdict == "excused"
    assert ledger.row(quarter).reported == "none"


def test_an_attempt_that_ends_twice_is_counted_once(told, build, counted):
    told(build.signal("started", "02:00:05"), build.signal("lost", "02:10"))
    told(build.signal("failed", "02:11"))
    told(build.signal("failed", "02:12"))
    assert counted("landed_attempts_total") == {("live", "lost"): 1}


def test_what_could_not_be_asked_is_counted_by_reason(ledger, told, build, counted):
    key = told.night(verified=False)
    answer = build.evaluation(key, "02:10:10", "unreachable")
    ledger.record(key, answer, build.at("02:10:10"))
    ledger.record(key, answer, build.at("02:10:10"))
    assert counted("landed_check_unknown_total") == {("store",): 1}
    assert ledger.row(key).verdict == "unproven"


def test_an_unproven_run_of_a_job_without_checks_is_not_open(ledger, told, build):
    ledger.declare("plain", build.job("plain", checks=()), {}, build.declared)
    told(build.signal("started", "02:00:05", job="plain"))
    told(build.signal("succeeded", "02:10", job="plain"))
    (row,) = ledger.runs(RunFilter(job="plain"))
    assert (row.verdict, row.open) == ("unproven", False)
    assert ledger.job_facts("plain", build.at("03:00")).open == []


def test_a_missing_run_is_found_when_time_has_passed(ledger, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    key = build.nightly
    assert ledger.next_wake() == build.at("02:05")
    assert ledger.awake(build.at("02:04"), 10) == []
    assert ledger.awake(build.at("02:05"), 10) == [key]
    for when in ("02:05", "02:05:10"):
        ledger.record(key, build.evaluation(key, when, "none", "miss"), build.at(when))
    assert ledger.row(key).verdict == "missing"
    assert ledger.awake(build.at("02:06"), 10) == []


def test_a_run_that_cannot_be_served_does_not_keep_others_from_their_turn(ledger, build):
    dues = [build.at("02:00"), build.at("02:15"), build.at("02:30")]
    ledger.expect("quarter", dues, build.at("02:00"))
    now = build.at("03:00")
    first, *others = ledger.awake(now, 10)
    ledger.judge([first], now)
    assert ledger.awake(now, 10) == [*others, first]


def test_a_run_that_ended_wakes_when_it_has_settled(ledger, told, build):
    key = told.night(verified=False)
    assert ledger.awake(build.at("02:10:09"), 10) == []
    assert ledger.awake(build.at("02:10:10"), 10) == [key]


def test_what_is_loaded_for_judging_is_enough_to_judge(ledger, told, build):
    """The stored part of a standing follows from fewer facts than people are shown."""
    told.night()
    told(build.signal("started", "+1 02:00:01", attempt="a2"))
    told(build.signal("started", "+1 02:30", attempt="a3", lane="manual"))
    now = build.at("+1 02:31")
    with ledger._database.read() as connection:
        jobs = ledger._register.read(connection)
        rows = ledger.runs(RunFilter())
        few = run_facts.for_judging(connection, jobs, rows)
    for row in rows:
        stood, full = (standing(each, now) for each in (few[row.key], ledger.facts(row.key, now)))
        for name in ("state", "verdict", "reported", "effect", "false_success", "useful"):
            assert getattr(stood, name) == getattr(full, name)
        assert (stood.completed_at, stood.wake_at) == (full.completed_at, full.wake_at)


@pytest.fixture
def coalescing(ledger, build):
    """Two jobs of every hour: ``whole`` does the work of its day, ``last`` of two hours."""
    hours = {"whole": Covers.SAME_DAY, "last": CoversOffset(start=-2 * HOUR, end=timedelta())}
    for name, covers in hours.items():
        declaration = build.job(name, Every(period=HOUR), overlap=Overlap.COALESCE, covers=covers)
        ledger.declare(name, declaration, {}, build.declared)
    return ledger


def verify(ledger, build, job, when):
    key = build.key(job, when)
    attempt = f"{job}/{when}"
    said = [
        Signal(job=job, kind=Kind.STARTED, at=key.due, attempt=attempt, id=f"{attempt}/s"),
        Signal(job=job, kind=Kind.SUCCEEDED, at=key.due, attempt=attempt, id=f"{attempt}/e"),
    ]
    ledger.append(said, source="test", received_at=key.due)
    at = key.due + timedelta(minutes=1)
    answer = build.evaluation(key, f"{at:%H:%M}", "complete")
    ledger.record(key, answer, at)
    assert ledger.row(key).verdict == "verified"
    return key


def test_an_earlier_run_is_excused_once_a_later_one_is_verified_over_its_interval(
    coalescing, build
):
    ledger = coalescing
    dues = [build.at(f"{hour:02}:00") for hour in (1, 2, 3)]
    ledger.expect("whole", dues, build.at("03:00"))
    verify(ledger, build, "whole", "03:00")
    for hour in ("01:00", "02:00"):
        row = ledger.row(build.key("whole", hour))
        assert (row.verdict, changes(ledger, row.key)) == ("excused", [(None, "excused")])


def test_a_later_run_whose_interval_does_not_include_it_excuses_nothing(coalescing, build):
    ledger = coalescing
    ledger.expect("last", [build.at("01:00")], build.at("01:00"))
    verify(ledger, build, "last", "02:00")
    assert ledger.row(build.key("last", "01:00")).verdict is None


def test_an_open_run_whose_work_a_later_one_may_have_done_is_asked_again_and_once(
    coalescing, build
):
    ledger, job = coalescing, "last"
    missed = build.key(job, "01:00")
    ledger.expect(job, [build.at("01:00")], build.at("01:00"))
    for when in ("01:05", "01:05:20"):
        ledger.record(missed, build.evaluation(missed, when, "none"), build.at(when))
    assert (ledger.row(missed).verdict, ledger.row(missed).wake_at) == ("missing", None)
    verify(ledger, build, job, "04:00")
    assert ledger.facts(missed, build.at("04:01")).newer_verified_at == build.at("04:01")
    assert missed in ledger.awake(build.at("04:01"), 10)
    ledger.record(missed, build.evaluation(missed, "04:02", "none"), build.at("04:02"))
    assert (ledger.row(missed).verdict, ledger.row(missed).wake_at) == ("missing", None)
    verify(ledger, build, job, "05:00")
    assert missed not in ledger.awake(build.at("05:01"), 10)
    ledger.record(missed, build.evaluation(missed, "05:02", "complete"), build.at("05:02"))
    assert ledger.row(missed).verdict == "verified"
    assert ledger.check(build.at("05:02")) == []


def test_an_earlier_run_that_is_verified_excuses_no_later_one(coalescing, build):
    ledger = coalescing
    verify(ledger, build, "whole", "01:00")
    ledger.expect("whole", [build.at("03:00")], build.at("03:00"))
    assert ledger.row(build.key("whole", "03:00")).verdict is None


def test_an_excuse_ends_when_the_later_run_is_verified_no_more(coalescing, build):
    ledger = coalescing
    ledger.expect("whole", [build.at("01:00"), build.at("03:00")], build.at("03:00"))
    later = verify(ledger, build, "whole", "03:00")
    for when in ("04:00", "04:01"):
        ledger.record(later, build.evaluation(later, when, "partial"), build.at(when))
    assert ledger.row(later).verdict == "partial"
    assert ledger.row(build.key("whole", "01:00")).verdict is None
    assert ledger.check(build.at("04:01")) == []


def test_an_attempt_that_covers_all_partitions_is_known_to_each_of_them(ledger, told, build):
    declaration = build.job("tenants", partition_name="tenant")
    ledger.declare("tenants", declaration, {}, build.declared)
    told(build.signal("started", "02:00:01", attempt="de", job="tenants", partition="de"))
    told(build.signal("succeeded", "02:01", attempt="de", job="tenants"))
    german = build.key("tenants", "02:00", "de")
    assert ledger.row(german).reported == "succeeded"
    told(build.signal("started", "02:02", attempt="all", job="tenants"))
    assert ledger.row(german).reported == "running"
    assert ledger.facts(german, build.at("02:02")).others == []
    told(build.signal("succeeded", "02:03", attempt="all", job="tenants"))
    assert ledger.row(german).reported == "succeeded"
    facts = ledger.facts(german, build.at("02:04"))
    assert [each.attempt for each in facts.whole_job] == ["all"]
    assert facts.others == []


def test_a_check_that_only_warns_leaves_the_rest_to_judge(ledger, told, build):
    checks = (
        CheckTraits(name="rows", type="scope", says_effect=True),
        CheckTraits(name="new", type="reconcile", only_warns=True),
    )
    ledger.declare("warned", build.job("warned", checks=checks), {}, build.declared)
    told(build.signal("started", "02:00:01", job="warned"))
    told(build.signal("succeeded", "02:10", job="warned"))
    key = build.key("warned", "02:00")
    ledger.record(key, build.evaluation(key, "02:11", "complete"), build.at("02:11"))
    assert ledger.row(key).verdict == "verified"


@pytest.fixture
def tenants(ledger, build):
    """A job of every hour with partitions, whose runs do the work of their whole day."""
    declaration = build.job(
        "tenants",
        Every(period=HOUR),
        overlap=Overlap.COALESCE,
        covers=Covers.SAME_DAY,
        partition_name="tenant",
    )
    ledger.declare("tenants", declaration, {}, build.declared)
    return ledger


def test_a_partition_is_excused_once_a_later_run_of_all_is_verified_over_its_interval(
    tenants, told, build
):
    ledger, german = tenants, build.key("tenants", "01:00", "de")
    ledger.expect("tenants", [build.at("01:00")], build.at("01:00"))
    told(build.signal("started", "01:00:01", attempt="de", job="tenants", partition="de"))
    told(build.signal("failed", "01:01", attempt="de", job="tenants", partition="de"))
    assert ledger.row(german).verdict is None
    verify(ledger, build, "tenants", "03:00")
    assert ledger.row(german).verdict == "excused"
    assert ledger.check(build.at("03:01")) == []


def test_a_partition_is_excused_where_the_later_run_is_answered_for_with_its_own(
    tenants, told, build
):
    """As after an outage: both runs of all are asked about and kept together."""
    ledger, german = tenants, build.key("tenants", "01:00", "de")
    wholes = [build.key("tenants", when) for when in ("01:00", "03:00")]
    ledger.expect("tenants", [key.due for key in wholes], build.at("03:00"))
    told(build.signal("started", "01:00:01", attempt="de", job="tenants", partition="de"))
    told(build.signal("failed", "01:01", attempt="de", job="tenants", partition="de"))
    told(build.signal("started", "03:00:01", attempt="all", job="tenants"))
    told(build.signal("succeeded", "03:01", attempt="all", job="tenants"))
    answers = [
        Answered(key=key, evaluation=build.evaluation(key, "03:02", word))
        for key, word in zip(wholes, ("none", "complete"), strict=True)
    ]
    ledger.record_all(answers, build.at("03:02"))
    assert [ledger.row(key).verdict for key in wholes] == ["excused", "verified"]
    assert ledger.row(german).verdict == "excused"
    assert ledger.check(build.at("03:02")) == []


def test_a_run_is_excused_once_the_last_exception_of_a_later_one_is_verified(ledger, told, build):
    declaration = build.job(
        "regions",
        Every(period=HOUR),
        checks=(CheckTraits(name="rows", type="scope", says_effect=True, apart=True),),
        overlap=Overlap.COALESCE,
        covers=Covers.SAME_DAY,
        partition_name="region",
    )
    ledger.declare("regions", declaration, {}, build.declared)
    missed, later = (build.key("regions", when) for when in ("01:00", "03:00"))
    ledger.expect("regions", [missed.due, later.due], build.at("03:00"))
    told(build.signal("started", "03:00:01", attempt="all", job="regions"))
    told(build.signal("succeeded", "03:01", attempt="all", job="regions"))
    german = build.key("regions", "03:00", "de")
    count = PartitionCount(total=2, holding=1, exceptions=("de",))
    for when in ("03:02", "03:03"):
        found = msgspec.structs.replace(build.evaluation(later, when, "partial"), partitions=count)
        parts = {german: build.evaluation(german, when, "none")}
        ledger.record(later, found, build.at(when), partitions=parts)
    assert (ledger.row(later).verdict, ledger.row(missed).verdict) == ("partial", None)
    ledger.record(german, build.evaluation(german, "03:04", "complete"), build.at("03:04"))
    assert ledger.row(later).verdict == "verified"
    assert ledger.row(missed).verdict == "excused"
    assert ledger.check(build.at("03:04")) == []


def test_a_partition_that_is_verified_later_excuses_no_run_of_all(tenants, told, build):
    ledger, later = tenants, build.key("tenants", "03:00", "de")
    ledger.expect("tenants", [build.at("01:00")], build.at("01:00"))
    told(build.signal("started", "03:00:01", attempt="de", job="tenants", partition="de"))
    told(build.signal("succeeded", "03:01", attempt="de", job="tenants", partition="de"))
    ledger.record(later, build.evaluation(later, "03:02", "complete"), build.at("03:02"))
    assert ledger.row(later).verdict == "verified"
    assert ledger.row(build.key("tenants", "01:00")).verdict is None


def test_a_run_of_all_that_its_scheduler_skipped_is_skipped_for_each_partition(
    tenants, told, build
):
    ledger, german = tenants, build.key("tenants", "02:00", "de")
    ledger.record(german, build.evaluation(german, "02:03", "none"), build.at("02:03"))
    told(build.signal("skipped", "02:04", job="tenants", attempt=None, due=build.at("02:00")))
    assert ledger.row(build.key("tenants", "02:00")).verdict == "excused"
    assert ledger.row(german).verdict == "excused"
