"""The guard's rules, one by one, and what it must never allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.advice import AdviceAction
from verifier.runs.declaration import Overlap, WhenUnsure
from verifier.runs.evaluation import Effect
from verifier.runs.guard import Ask, Mode, forbids_beside, rule
from verifier.runs.verdict import Verdict

OPEN, CLOSED = WhenUnsure.OPEN, WhenUnsure.CLOSED


def ask(**more):
    """A harmful job of which no attempt is known, and whose destination shows nothing."""
    fields = {
        "attempts_known": False,
        "verdict": None,
        "advice": AdviceAction.WAIT,
        "probe": "none",
        "repeats_harm": True,
        "when_unsure": CLOSED,
    } | more
    fields["probe"] = Effect(fields["probe"])
    fields["advice"] = AdviceAction(fields["advice"])
    if fields["verdict"] is not None:
        fields["verdict"] = Verdict(fields["verdict"])
    return Ask(**fields)


def again(verdict, advice, **more):
    """The same where an attempt is known."""
    return ask(attempts_known=True, verdict=verdict, advice=advice, **more)


RULES = [
    # No earlier attempt known.
    ("the first attempt", ask(), "allow"),
    ("first, not answered", ask(probe="unknown", asked=False), "allow"),
    ("first, missing", ask(verdict="missing", advice="run"), "allow"),
    ("first, missing, unknown", ask(verdict="missing", advice="reconcile_first"), "allow"),
    ("first, complete", ask(probe="complete"), "skip"),
    ("first, complete but wrong", ask(probe="complete", clean=False), "refuse"),
    ("first, partial", ask(probe="partial"), "refuse"),
    ("first, duplicated", ask(probe="duplicated"), "refuse"),
    ("first, partial, harmless", ask(probe="partial", repeats_harm=False), "allow"),
    ("first, duplicated, harmless", ask(probe="duplicated", repeats_harm=False), "allow"),
    ("first, blind, closed", ask(blind=True), "refuse"),
    ("first, blind, open", ask(blind=True, when_unsure=OPEN), "allow"),
    ("first, blind, partial", ask(blind=True, probe="partial", when_unsure=OPEN), "refuse"),
    ("first, blind, complete", ask(blind=True, probe="complete"), "skip"),
    # Closed, or complete with nobody alive or at large.
    ("verified", again("verified", "accept"), "skip"),
    ("reconciled", again("reconciled", "accept"), "skip"),
    ("excused", again("excused", "accept"), "skip"),
    ("complete", again("ambiguous", "reconcile_first", probe="complete"), "skip"),
    ("complete, settling", again(None, "wait", probe="complete", settling=True), "skip"),
    ("complete, alive", again(None, "wait", probe="complete", active="a1"), "refuse"),
    ("complete, at large", again(None, "fence_first", probe="complete", at_large="a1"), "refuse"),
    # Somebody else, or a hold.
    ("alive", again(None, "wait", active="a1", when_unsure=OPEN), "refuse"),
    ("first, another alive", ask(active="a1", when_unsure=OPEN), "refuse"),
    ("at large", again(None, "fence_first", at_large="a1", when_unsure=OPEN), "refuse"),
    ("held", again("absent", "retry", held="deploy"), "refuse"),
    ("first, held", ask(held="deploy", when_unsure=OPEN), "refuse"),
    ("complete, held", again("ambiguous", "retry", probe="complete", held="deploy"), "refuse"),
    # By advice.
    ("reconcile_first", again("ambiguous", "reconcile_first", when_unsure=OPEN), "refuse"),
    ("stop_first", again(None, "stop_first", when_unsure=OPEN), "refuse"),
    ("fence_first", again(None, "fence_first", when_unsure=OPEN), "refuse"),
    ("stop_retries", again("ambiguous", "stop_retries", when_unsure=OPEN), "refuse"),
    ("run", again("missing", "run"), "allow"),
    ("retry", again("absent", "retry"), "allow"),
    ("repair_rerun", again("partial", "repair_rerun"), "allow"),
    ("repair_rerun over wrong", again("wrong", "repair_rerun", when_unsure=OPEN), "refuse"),
    ("repair of wrong", again("wrong", "repair_rerun", mode=Mode.REPAIR), "allow"),
    ("resume of wrong", again("wrong", "repair_rerun", mode=Mode.RESUME), "refuse"),
    ("resume, not asked for", again("partial", "resume", probe="partial"), "refuse"),
    ("resume", again("partial", "resume", probe="partial", mode=Mode.RESUME), "allow"),
    ("resume, not asked for, unknown", again("partial", "resume"), "refuse"),
    ("repair, not resume", again("partial", "resume", mode=Mode.REPAIR), "refuse"),
    (
        "resume, not asked for, settling",
        again("partial", "resume", probe="partial", settling=True, when_unsure=OPEN),
        "refuse",
    ),
    # What the fresh probe shows comes before what was advised earlier.
    ("retry, partial by now", again("absent", "retry", probe="partial"), "refuse"),
    ("run, duplicated by now", again("missing", "run", probe="duplicated"), "refuse"),
    (
        "resume, duplicated by now",
        again("partial", "resume", probe="duplicated", mode=Mode.RESUME),
        "refuse",
    ),
    (
        "repair_rerun, partial, harmless",
        again("partial", "repair_rerun", probe="partial", repeats_harm=False),
        "allow",
    ),
    # Otherwise: when_unsure.
    ("settling, closed", again("absent", "retry", settling=True), "refuse"),
    ("settling, open", again("absent", "retry", settling=True, when_unsure=OPEN), "allow"),
    (
        "settling, reconcile_first",
        again("ambiguous", "reconcile_first", settling=True, when_unsure=OPEN),
        "refuse",
    ),
    ("unproven, closed", again("unproven", "declare_check"), "refuse"),
    ("unproven, open", again("unproven", "ask_again", when_unsure=OPEN), "allow"),
    ("no answer, closed", again("absent", "retry", asked=False, probe="unknown"), "refuse"),
    (
        "no answer, open",
        again("absent", "retry", asked=False, probe="unknown", when_unsure=OPEN),
        "allow",
    ),
    ("waiting, closed", again(None, "wait"), "refuse"),
    ("waiting, open", again(None, "wait", when_unsure=OPEN), "allow"),
]


@pytest.mark.parametrize(
    ("asked", "decision"), [each[1:] for each in RULES], ids=[each[0] for each in RULES]
)
def test_rule_of_the_guard(asked, decision):
    assert rule(asked).decision == decision


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (again("verified", "accept"), "the run is verified"),
        (
            again("verified", "accept", settling=True, probe="complete"),
            "the destination shows it done, and every check holds",
        ),
        (again("reconciled", "accept", settling=True), "the run is reconciled"),
        (ask(held="deploy (ann)"), "the job is on hold: deploy (ann)"),
        (ask(active="a1"), "attempt a1 is under way"),
        (ask(at_large="a1"), "attempt a1 may still write: fence it first"),
        (ask(probe="complete"), "the destination shows it complete"),
        (ask(probe="partial"), "the destination shows it partial already"),
        (ask(), "no earlier attempt is known"),
        (
            ask(blind=True),
            "nobody was listening at its slot, so it may have run; when_unsure is closed",
        ),
        (again("ambiguous", "reconcile_first"), "the run is ambiguous: reconcile_first"),
        (again(None, "stop_first"), "the effect is none: stop_first"),
        (again("absent", "retry"), "the run is absent: retry"),
        (
            again("absent", "retry", settling=True),
            "the last attempt has only just ended; when_unsure is closed",
        ),
        (
            again("wrong", "repair_rerun"),
            "the run is wrong: find the cause, then use --mode repair",
        ),
        (
            again("partial", "resume", probe="partial"),
            "the destination shows it partial already: only with --mode resume",
        ),
        (again("partial", "resume"), "the run is partial: only with --mode resume"),
        (
            again("partial", "resume", probe="partial", mode=Mode.RESUME),
            "the run is partial: resume",
        ),
        (again("unproven", "declare_check"), "its effect is not known; when_unsure is closed"),
        (
            again("absent", "retry", asked=False, when_unsure=OPEN),
            "the destination did not answer in time; when_unsure is open",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_guard_says_why(asked, why):
    assert rule(asked).why == why


@pytest.mark.parametrize("overlap", Overlap)
def test_only_where_overlap_is_allowed_may_attempts_be_under_way_beside_each_other(overlap):
    assert forbids_beside(overlap) is (overlap != "allow")


asks = st.builds(
    Ask,
    attempts_known=st.booleans(),
    verdict=st.none() | st.sampled_from(Verdict),
    advice=st.sampled_from(AdviceAction),
    probe=st.sampled_from(Effect),
    settling=st.booleans(),
    asked=st.booleans(),
    clean=st.booleans(),
    repeats_harm=st.booleans(),
    active=st.none() | st.just("a1"),
    at_large=st.none() | st.just("a2"),
    held=st.none() | st.just("deploy"),
    blind=st.booleans(),
    mode=st.none() | st.sampled_from(Mode),
    when_unsure=st.sampled_from(WhenUnsure),
)


@given(asks)
def test_the_guard_never_allows_while_somebody_is_alive_or_at_large_or_the_job_is_held(asked):
    if asked.active or asked.at_large or asked.held:
        assert rule(asked).decision != "allow"


@given(asks)
def test_the_guard_never_allows_over_work_that_cannot_be_taken_back(asked):
    if asked.repeats_harm and asked.probe not in ("none", "unknown"):
        resumes = asked.advice == "resume" and asked.mode == "resume" and asked.probe == "partial"
        assert rule(asked).decision != "allow" or resumes


@given(asks)
def test_the_guard_skips_only_what_is_closed_or_shown_complete(asked):
    if rule(asked).decision == "skip":
        closed = asked.verdict in ("verified", "reconciled", "excused")
        shown = asked.probe == "complete" and asked.clean
        assert closed or (shown and not (asked.active or asked.at_large or asked.held))


@given(asks)
def test_where_nobody_can_tell_the_guard_does_as_declared(asked):
    unsure = rule(asked).why.endswith(f"when_unsure is {asked.when_unsure}")
    if unsure:
        assert rule(asked).decision == ("allow" if asked.when_unsure is OPEN else "refuse")


def test_a_partition_that_is_not_listed_is_told_by_its_name():
    known = again("unproven", "wait", probe="unknown")
    assert rule(known).why == "its effect is not known; when_unsure is closed"
    unlisted = again("unproven", "wait", probe="unknown", unlisted="t0O3")
    assert rule(unlisted).why == (
        "t0O3 is not listed as a partition of this run; when_unsure is closed"
    )
