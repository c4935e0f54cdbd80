from datetime import timedelta

import pytest

from verifier.ledger import facts as run_facts
from verifier.ledger.errors import UnknownJob
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Overlap
from verifier.runs.standing import standing


def test_the_facts_of_a_run_are_all_that_was_said_done_and_asked(ledger, told, build):
    key = told.night()
    ledger.act(build.action("hold", "02:20"))
    ledger.act(build.action("reconcile", "02:30", key=key))
    ledger.act(build.action("reconcile", "02:31", key=build.key("nightly", "+1 02:00")))
    ledger.act(build.action("mute", "02:32", job="quarter", until=build.at("03:00")))
    facts = ledger.facts(key, build.at("03:00"))
    assert facts.key == key
    assert facts.declaration == ledger.histories()["nightly"].latest
    assert facts.expected
    assert facts.interval == timedelta(days=1)
    assert [each.attempt for each in facts.attempts] == ["a1"]
    assert [each.results[0].effect for each in facts.evaluations] == ["complete"]
    assert [each.kind for each in facts.actions] == ["hold", "reconcile"]
    assert (facts.miss_after, facts.deaf, facts.newest) == (None, False, True)


def test_a_run_of_which_nothing_is_known_has_facts_too(ledger, build):
    facts = ledger.facts(build.nightly, build.at("02:00"))
    assert (facts.expected, facts.attempts, facts.evaluations) == (True, [], [])
    odd = ledger.facts(build.key("nightly", "02:01"), build.at("02:00"))
    assert not odd.expected
    assert standing(odd, build.at("+1 02:00")).verdict is None


def test_a_job_that_nobody_declared_has_no_facts(ledger, build):
    with pytest.raises(UnknownJob, match="'nobody'"):
        ledger.facts(build.key("nobody", "02:00"), build.at("02:00"))


def test_a_run_without_a_slot_has_no_interval_and_is_never_the_older_one(ledger, told, build):
    told(build.signal("started", "02:30", lane="manual"))
    facts = ledger.facts(RunKey("nightly", "~a1"), build.at("+9 02:00"))
    assert (facts.expected, facts.interval, facts.newest) == (False, None, True)


def test_a_run_is_the_newest_until_the_next_slot_has_come(ledger, told, build):
    key = told.night()
    assert ledger.facts(key, build.at("+1 01:59:59")).newest
    assert not ledger.facts(key, build.at("+1 02:00")).newest


def test_others_are_the_attempts_of_other_runs_that_are_alive_or_pending(ledger, told, build):
    def quarter(kind, when, attempt, **more):
        return build.signal(kind, when, attempt=attempt, job="quarter", **more)

    told(quarter("started", "02:00", "alive"))
    told(quarter("started", "02:00", "ended"), quarter("succeeded", "02:01", "ended"))
    told(quarter("claimed", "02:02", "pending", lease_until=build.at("02:20")))
    told(quarter("claimed", "02:03", "void", lease_until=build.at("02:04")))
    told(quarter("started", "02:15", "own"))
    told(build.signal("started", "02:00", attempt="of another job"))
    facts = ledger.facts(build.key("quarter", "02:15"), build.at("02:16"))
    assert [each.attempt for each in facts.attempts] == ["own"]
    assert {each.attempt for each in facts.others} == {"alive", "pending"}


def runtime(build, number, minutes, **more):
    name = f"r{number}"
    day = number - 100
    started = build.signal("started", f"{day} 02:00", attempt=name, **more)
    return started, build.signal("succeeded", f"{day} 02:{minutes:02}", attempt=name)


def test_the_tail_of_runtimes_is_unknown_while_there_are_few(ledger, told, build):
    now = build.at("02:00")
    for number in range(4):
        told(*runtime(build, number, 10), at="02:00")
    told(*runtime(build, 5, 50, lane="rerun"), at="02:00")
    told(build.signal("started", "-1 02:00"), build.signal("failed", "-1 02:01"), at="02:00")
    assert ledger.facts(build.nightly, now).runtime_tail is None
    told(*runtime(build, 6, 10), at="02:00")
    assert ledger.facts(build.nightly, now).runtime_tail == timedelta(minutes=10)


def test_the_tail_of_runtimes_is_that_of_the_last_fifty(ledger, told, build):
    for number in range(10):
        told(*runtime(build, number, 59), at="02:00")
    for number in range(10, 60):
        told(*runtime(build, number, number - 9), at="02:00")
    tail = ledger.facts(build.nightly, build.at("02:00")).runtime_tail
    assert tail == timedelta(minutes=48)


def test_where_the_schedule_has_no_further_slot_there_is_no_interval(ledger, build):
    end = build.job("end", since=build.declared)
    ledger.declare("end", end, {}, build.declared)
    key = RunKey("end", "9999-12-31T02:00:00Z")
    facts = ledger.facts(key, build.at("02:00"))
    assert (facts.interval, facts.newest) == (None, True)


def test_an_interval_that_does_not_exist_excuses_nothing(ledger, told, build):
    odd = build.job("odd", overlap=Overlap.COALESCE)
    ledger.declare("odd", odd, {}, build.declared)
    first = RunKey("odd", "0001-01-01T02:00:00Z")
    ledger.expect("odd", [first.due], build.at("02:00"))
    told(build.signal("started", "02:00", job="odd"), build.signal("succeeded", "02:01", job="odd"))
    later = build.key("odd", "02:00")
    ledger.record(later, build.evaluation(later, "02:02", "complete"), build.at("02:02"))
    assert ledger.row(later).verdict == "verified"
    assert not ledger.facts(first, build.at("02:02")).answered_by_newer


def test_runs_that_are_judged_together_keep_their_own_actions(ledger, build):
    for when in ("02:00", "+1 02:00"):
        ledger.expect("nightly", [build.at(when)], build.at(when))
        ledger.act(build.action("skip", when, key=build.key("nightly", when)))
    with ledger._database.read() as connection:
        jobs = ledger._register.read(connection)
        facts = run_facts.for_judging(connection, jobs, ledger.runs(RunFilter()))
    for key, known in facts.items():
        assert [action.run_id for action in known.actions] == [key.run_id]
