from threading import Barrier, Thread

import pytest

from verifier.ledger.errors import LedgerError
from verifier.ledger.listing import RunFilter
from verifier.runs.guard import Decision, Ruling
from verifier.runs.lifecycle import is_alive, is_pending


def claim(build, attempt, when="02:00:05", **more):
    fields = {"due": build.at("02:00"), "lease_until": build.at("02:05")} | more
    return build.signal("claimed", when, attempt=attempt, id=f"grant/{attempt}", **fields)


def one_at_a_time(now):
    """A guard that forbids a second attempt beside one that is alive or pending."""

    def ask(facts):
        active = [
            each.attempt
            for each in [*facts.attempts, *facts.others]
            if is_alive(each) or is_pending(each, facts.declaration, now)
        ]
        if active:
            return Ruling(Decision.REFUSE, f"{active[0]} is under way")
        return Ruling(Decision.ALLOW, "nobody is")

    return ask


def test_an_allowance_is_recorded_as_a_claim(ledger, build, counted):
    now = build.at("02:00:05")
    ruling = ledger.grant(build.nightly, one_at_a_time(now), claim(build, "a1"), now=now)
    assert ruling == Ruling(Decision.ALLOW, "nobody is")
    (attempt,) = ledger.attempts(build.nightly)
    assert (attempt.attempt, attempt.claimed, attempt.lease.value) == (
        "a1",
        now,
        build.at("02:05"),
    )
    assert ledger.row(build.nightly).reported == "queued"
    (kept,) = ledger.guard_decisions(build.nightly)
    assert (kept.decision, kept.at, kept.attempt, kept.why) == ("allow", now, "a1", "nobody is")
    assert counted("landed_guard_decisions_total") == {("allow",): 1}


def test_a_refusal_is_recorded_and_is_no_attempt(ledger, build, counted):
    now = build.at("02:00:05")
    refuse = Ruling(Decision.REFUSE, "on hold")
    assert ledger.grant(build.nightly, lambda _: refuse, claim(build, "a1"), now=now) == refuse
    assert ledger.attempts(build.nightly) == []
    assert [each.decision for each in ledger.guard_decisions(build.nightly)] == ["refuse"]
    assert ledger.row(build.nightly).reported == "none"
    assert counted("landed_guard_decisions_total") == {("refuse",): 1}


def test_who_asks_again_gets_the_answer_that_it_got(ledger, build, counted, rows):
    now = build.at("02:00:05")
    first = ledger.grant(build.nightly, one_at_a_time(now), claim(build, "a1"), now=now)
    before = rows("signals"), rows("runs"), rows("tallies")
    later = build.at("02:04")

    def never(_facts):
        raise AssertionError("asked twice")

    assert ledger.grant(build.nightly, never, claim(build, "a1", "02:04"), now=later) == first
    assert (rows("signals"), rows("runs"), rows("tallies")) == before


def test_of_two_that_ask_one_after_the_other_the_second_sees_the_first(ledger, build):
    now = build.at("02:00:05")
    ledger.grant(build.nightly, one_at_a_time(now), claim(build, "a1"), now=now)
    second = ledger.grant(build.nightly, one_at_a_time(now), claim(build, "a2"), now=now)
    assert second == Ruling(Decision.REFUSE, "a1 is under way")


def test_of_many_that_ask_at_once_exactly_one_is_allowed(ledger, build):
    now, barrier, rulings = build.at("02:00:05"), Barrier(6), []

    def ask(name):
        barrier.wait()
        rulings.append(ledger.grant(build.nightly, one_at_a_time(now), claim(build, name), now=now))

    askers = [Thread(target=ask, args=(f"a{number}",)) for number in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(str(ruling.decision) for ruling in rulings) == ["allow"] + ["refuse"] * 5
    assert len(ledger.attempts(build.nightly)) == 1


def test_the_asker_counts_neither_as_an_attempt_nor_as_another(ledger, told, build):
    told(build.signal("created", "02:00:01"), build.signal("dispatched", "02:00:02"))
    now = build.at("02:00:05")
    ruling = ledger.grant(build.nightly, one_at_a_time(now), claim(build, "a1"), now=now)
    assert ruling.decision is Decision.ALLOW


def test_an_override_is_kept_with_who_did_it(ledger, build):
    allow = Ruling(Decision.ALLOW, "overridden by ann: checked by hand")
    ledger.grant(
        build.nightly,
        lambda _: allow,
        claim(build, "a1"),
        override_by="ann",
        now=build.at("02:00:05"),
    )
    (kept,) = ledger.guard_decisions(build.nightly)
    assert (kept.override_by, kept.why) == ("ann", allow.why)


def test_an_attempt_that_is_of_another_run_is_not_granted_this_one(ledger, told, build, rows):
    told(build.signal("started", "-1 02:00:01", due=build.at("-1 02:00")))
    before = rows("signals"), rows("runs"), rows("guard_decisions"), rows("tallies")
    with pytest.raises(LedgerError, match="belongs to another run"):
        ledger.grant(
            build.nightly,
            lambda _: Ruling(Decision.ALLOW, "fine"),
            claim(build, "a1"),
            now=build.at("02:00:05"),
        )
    assert (rows("signals"), rows("runs"), rows("guard_decisions"), rows("tallies")) == before


def test_a_guard_that_fails_leaves_nothing(ledger, build, rows):
    def fail(_facts):
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError):
        ledger.grant(build.nightly, fail, claim(build, "a1"), now=build.at("02:00:05"))
    assert rows("guard_decisions") == []
    assert ledger.runs(RunFilter()) == []


@pytest.mark.parametrize("wrong", [{"attempt": None}, {"job": "quarter"}])
def test_a_claim_must_name_an_attempt_of_the_job(ledger, build, wrong):
    said = build.signal("claimed", "02:00:05", **({"attempt": "a1"} | wrong))
    with pytest.raises(ValueError, match="expected a claim"):
        ledger.grant(
            build.nightly,
            lambda _: Ruling(Decision.ALLOW, "fine"),
            said,
            now=build.at("02:00:05"),
        )
