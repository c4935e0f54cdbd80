"""The Run document and the advice in words: what programs and people read."""

import json
from datetime import timedelta

import msgspec
import pytest

from verifier.runs.action import Action, ActionKind
from verifier.runs.advice_words import advise
from verifier.runs.binding import RunKey
from verifier.runs.declaration import CoversOffset, Guard, Overlap, WhenUnsure
from verifier.runs.evaluation import BY_CORRECTION
from verifier.runs.guard import Decision
from verifier.runs.occurrence import Occurrence
from verifier.runs.signal import EndProof, Progress
from verifier.runs.standing import Facts, standing
from verifier.runs.verdict import Verdict
from verifier.runs.view import GuardRecord, Keepsakes, Revision, interval_of, run_document

FIELDS = {
    *("run_id", "job", "due", "partition", "lane", "interval", "statement", "owner", "runbook"),
    *("declaration", "state", "verdict", "effect", "effect_now", "provisional", "reported"),
    *("chain_broke_at", "false_success", "conditions", "advice", "judged_at", "guard"),
    *("attempts", "checks", "revisions", "actions"),
}
ATTEMPT_FIELDS = {
    *("attempt", "lane", "state", "end_proof", "created_at", "claimed_at", "started_at"),
    *("heartbeat_at", "progress", "ended_at", "exit_code", "reason", "worker"),
}
CHECK_FIELDS = {
    *("name", "type", "result", "reason", "effect", "evidence", "evaluated_at"),
    "duration_seconds",
}


def document(build, when, declaration, attempts=(), looks=(), kept=None, **more):
    facts, now = build.facts(declaration, attempts, looks, **more), build.at(when)
    made = run_document(facts, standing(facts, now), kept or Keepsakes(), now)
    return json.loads(msgspec.json.encode(made))


def words(build, when, declaration, attempts=(), looks=(), **more):
    facts, now = build.facts(declaration, attempts, looks, **more), build.at(when)
    return advise(facts, standing(facts, now), now)


def test_a_run_document_has_every_field_of_the_contract(build):
    ended = build.attempt("started 02:00", "failed 02:10", "heartbeat 02:01")
    looks = [build.look("02:10:10", "partial"), build.look("02:10:30", "partial")]
    made = document(build, "02:11", build.job(), [ended], looks)
    assert made.keys() >= FIELDS
    assert made["attempts"][0].keys() >= ATTEMPT_FIELDS
    assert made["checks"][0].keys() >= CHECK_FIELDS
    assert made["advice"].keys() == {
        *("action", "because", "do_not", "commands", "partitions", "valid_until"),
    }
    assert (made["due"], made["lane"]) == ("2026-04-03T02:00:00Z", "live")
    assert made["interval"] == {"start": "2026-04-02T02:00:00Z", "end": "2026-04-03T02:00:00Z"}
    assert (made["verdict"], made["checks"][0]["effect"]) == ("partial", "partial")


def test_a_check_that_was_never_asked_says_so(build):
    made = document(build, "02:01", build.job())
    assert made["checks"][0]["result"] == "unknown"
    assert made["checks"][0]["reason"] == "not_asked"
    assert words(build, "02:01", build.job()).because == (
        "no attempt was reported",
        "the destination has not been asked yet",
    )


def test_what_the_ledger_keeps_is_in_the_document(build):
    kept = Keepsakes(
        corrected_at=build.at("03:00"),
        judged_at=build.at("02:10"),
        revisions=[Revision(at=build.at("02:10"), was=None, became=Verdict.PARTIAL)],
        guard=[GuardRecord(at=build.at("02:20"), attempt="a2", decision=Decision.REFUSE, why="no")],
        occurrence=Occurrence(
            Verdict.PARTIAL, {"partial": 1, "verified": 1}, (("de", Verdict.PARTIAL),)
        ),
    )
    closed = Action(
        action_id="1",
        kind=ActionKind.HOLD,
        at=build.at("02:30"),
        by="ann",
        reason="audit",
        job="nightly",
    )
    ended = build.attempt("started 02:00", "failed 02:10")
    looks = [build.look("02:10:10", "partial"), build.look("02:10:30", "partial")]
    made = document(build, "02:40", build.job(), [ended], looks, kept, actions=[closed])
    assert made["judged_at"] == "2026-04-03T02:10:00Z"
    assert made["revisions"][0]["from"] is None
    assert made["revisions"][0]["to"] == "partial"
    assert made["guard"][0]["decision"] == "refuse"
    assert made["actions"][0]["by"] == "ann"
    assert made["occurrence"] == {
        "verdict": "partial",
        "counts": {"partial": 1, "verified": 1},
        "gravest": [{"partition": "de", "verdict": "partial"}],
    }


def test_a_slot_without_an_interval_has_none_and_breaks_nothing(build):
    empty = CoversOffset(start=timedelta(hours=1), end=timedelta(0))
    facts = Facts(key=build.key, declaration=build.job(covers=empty), expected=True)
    assert interval_of(facts) is None
    by_hand = RunKey("nightly", "~a1")
    assert interval_of(Facts(key=by_hand, declaration=build.job(), expected=False)) is None


def test_progress_is_shown(build):
    step = build.signal("progress", "02:05", progress=Progress(done=10, total=20))
    made = document(build, "02:06", build.job(), [build.attempt("started 02:00", step)])
    assert made["attempts"][0]["progress"] == {"done": 10.0, "total": 20.0, "checkpoint": None}


def test_partial_append_tells_what_it_rests_on_and_what_would_harm(build):
    ended = build.attempt("started 02:00", "failed 02:10")
    looks = [build.look("02:10:10", "partial"), build.look("02:10:30", "partial")]
    advice = words(build, "02:11", build.job(), [ended], looks)
    assert advice.because[0].startswith("reported failed")
    assert any("check rows: partial" in line for line in advice.because)
    assert advice.do_not == ("do not start it again: what it wrote already would be there twice",)
    assert advice.commands[0] == "landed verify nightly --due 2026-04-03T02:00:00Z"
    assert "landed act reconcile nightly/2026-04-03T02:00:00Z" in advice.commands[1]


def test_missing_tells_where_the_chain_broke_and_how_to_run_it(build):
    looks = [build.look("02:05", "none"), build.look("02:05:20", "none")]
    advice = words(build, "02:06", build.job(), looks=looks)
    assert advice.because[0] == "no attempt was reported (the chain broke at creation)"
    assert advice.commands == (
        "landed exec --job nightly --due 2026-04-03T02:00:00Z --lane rerun -- COMMAND",
    )


@pytest.mark.parametrize("on", [True, False])
def test_the_guard_is_asked_only_in_jobs_that_have_one(build, on):
    guard = Guard(enabled=on, when_unsure=WhenUnsure.CLOSED)
    partial = [build.look("02:10:10", "partial"), build.look("02:10:30", "partial")]
    ended = [build.attempt("started 02:00", "failed 02:10")]
    (command,) = words(build, "02:11", build.job("replace", guard=guard), ended, partial).commands
    asks = "--lane rerun --guard --when-unsure closed --mode repair -- COMMAND"
    assert command.endswith(asks if on else "--lane rerun -- COMMAND")


def test_a_stuck_attempt_is_named_with_how_to_stop_it(build):
    stuck = build.attempt(build.signal("started", "02:00", worker="db1:4711"), "heartbeat 02:59")
    advice = words(build, "03:00", build.job(), [stuck])
    assert advice.action == "stop_first"
    assert any("overdue since" in line for line in advice.because)
    assert advice.commands[0].startswith("kill -TERM 4711")
    assert "db1" in advice.commands[0]
    assert "--attempt a1" in advice.commands[1]


def test_a_process_that_has_ended_is_not_to_be_killed_again(build):
    started = build.signal("started", "02:00", worker="db1:4711")
    failed = build.signal("failed", "02:10", worker="db1:4711", end_proof=EndProof.NONE)
    advice = words(build, "02:20", build.job(), [build.attempt(started, failed)])
    assert advice.action == "fence_first"
    assert advice.commands[0].startswith("# process 4711 on db1 has ended")
    assert not any("kill" in command for command in advice.commands)


def test_an_attempt_at_large_is_named_with_until_when(build):
    silent = build.attempt("started 02:00", "heartbeat 02:01", "lost 02:10")
    advice = words(build, "02:20", build.job(), [silent])
    assert advice.action == "fence_first"
    assert any("may still write until 2026-04-03T03:31:00Z" in line for line in advice.because)
    assert advice.commands[0].startswith("landed act fence")


def test_a_pending_retry_is_told_with_its_time(build):
    again = build.signal("failed", "02:10", next_retry_at=build.at("02:30"))
    ended = build.attempt("started 02:00", again)
    advice = words(build, "02:11", build.job(), [ended])
    assert advice.action == "stop_retries"
    assert any("retries by itself at 2026-04-03T02:30:00Z" in line for line in advice.because)
    assert advice.commands[0].startswith("landed act hold nightly")


def test_a_queued_run_must_not_be_started_by_hand(build):
    advice = words(build, "02:01", build.job(), [build.attempt("created 02:00")])
    assert advice.action == "wait"
    assert advice.do_not[0].startswith("do not start it by hand")


def test_a_run_of_a_job_that_nobody_proves_says_so(build):
    done = build.attempt("started 02:00", "succeeded 02:10")
    advice = words(build, "02:20", build.job(checks=()), [done])
    assert (advice.action, advice.because[1]) == (
        "declare_check",
        "no check is declared: nobody asked to prove it",
    )


@pytest.mark.parametrize(
    ("effect", "quality"), [("duplicated", "holds"), ("partial", "holds"), ("complete", "violated")]
)
def test_consumers_of_what_is_not_as_it_should_be_are_warned(build, effect, quality):
    done = build.attempt("started 02:00", "succeeded 02:10")
    checks = (build.check(), build.check("sum", says_effect=False))
    job = build.job(checks=checks, consumers=("board",))
    looks = [build.look(when, rows=effect, sum=quality) for when in ("02:10:10", "02:10:30")]
    advice = words(build, "02:11", job, [done], looks)
    assert advice.do_not[-1] == "do not let these read it: board"


def test_consumers_of_what_is_as_it_should_be_or_not_there_are_not(build):
    done = build.attempt("started 02:00", "succeeded 02:10")
    for effect in ("complete", "none"):
        looks = [build.look("02:10:10", effect), build.look("02:10:30", effect)]
        advice = words(build, "02:11", build.job(consumers=("board",)), [done], looks)
        assert not any("read it" in each for each in advice.do_not)


def test_a_proven_surface_is_named_as_what_must_not_be_repeated(build):
    job = build.table_and_mail(mail_checks=("sent",))
    seen = [build.look(when, rows="partial", sent="complete") for when in ("02:10:10", "02:10:30")]
    advice = words(build, "02:11", job, [build.attempt("started 02:00", "failed 02:10")], seen)
    assert advice.action == "reconcile_first"
    assert "do not repeat mail: proven complete" in advice.do_not


def test_wrong_rows_are_not_rerun_before_the_cause_is_known(build):
    checks = (build.check(), build.check("sum", says_effect=False))
    job = build.job("replace", checks=checks, guard=Guard(enabled=True))
    seen = [build.look(when, rows="complete", sum="violated") for when in ("02:10:10", "02:10:30")]
    advice = words(build, "02:11", job, [build.attempt("started 02:00", "failed 02:10")], seen)
    assert advice.action == "repair_rerun"
    assert advice.do_not[0].startswith("do not rerun before the cause is known")
    assert "--mode repair" in advice.commands[0]


def test_an_older_run_that_a_newer_one_answers_for_is_not_to_be_run(build):
    job = build.job(overlap=Overlap.COALESCE)
    looks = [build.look("02:05", "none"), build.look("02:05:20", "none")]
    advice = words(build, "02:06", job, looks=looks, newest=False)
    assert advice.action == "wait"
    assert advice.do_not == ("do not run it: a newer run answers for it",)


def test_what_could_not_be_asked_is_to_be_asked_again_and_nothing_is_closed(build):
    done = build.attempt("started 02:00", "succeeded 02:10")
    advice = words(build, "02:11", build.job(), [done], [build.look("02:10:10", "unknown")])
    assert advice.action == "ask_again"
    assert advice.commands == ("landed verify nightly --due 2026-04-03T02:00:00Z",)


def unanswered(build, reason, **more):
    """The advice on a run whose check cannot tell for ``reason``."""
    done = build.attempt("started 02:00", "succeeded 02:10")
    look = build.look("02:10:10", build.answer("unknown", reason=reason))
    return words(build, "02:11", build.job(), [done], [look], **more)


@pytest.mark.parametrize("reason", sorted(BY_CORRECTION))
def test_a_check_that_cannot_be_answered_is_to_be_corrected_and_the_run_judged_by_it(build, reason):
    advice = unanswered(build, reason)
    assert advice.action == "correct_check"
    assert (
        "asking again helps only once check rows is corrected, or what is named there made"
        in advice.because
    )
    assert advice.commands == (
        "landed act rejudge nightly/2026-04-03T02:00:00Z --by YOU --reason WHY"
        "    # once landed.yaml is corrected",
        "landed verify nightly --due 2026-04-03T02:00:00Z",
    )


def test_partitions_are_judged_by_the_corrected_check_with_the_run_of_all_of_them(build):
    advice = unanswered(build, "bad_query", key=RunKey("nightly", "2026-04-03T02:00:00Z", "eu"))
    assert advice.action == "correct_check"
    assert not any("eu" in command for command in advice.commands)


@pytest.mark.parametrize(
    "reason", ["unreachable", "timed_out", "locked", "permission_denied", "expected_not_ready"]
)
def test_what_may_be_answered_later_is_to_be_asked_again(build, reason):
    advice = unanswered(build, reason)
    assert advice.action == "ask_again"
    assert not any("asking again helps only" in each for each in advice.because)


def test_a_run_that_nobody_expected_is_not_missing_and_says_why(build):
    looks = [build.look("02:05", "none"), build.look("02:05:20", "none")]
    advice = words(build, "02:06", build.job(), looks=looks, expected=False)
    assert advice.action == "wait"
    assert any("not declared at that time" in line for line in advice.because)


def test_a_hold_is_told_beside_the_advice(build):
    held = build.action("hold", "02:03")
    looks = [build.look("02:05", "none"), build.look("02:05:20", "none")]
    advice = words(build, "02:06", build.job(), looks=looks, actions=[held])
    assert "the job is on hold by ann (because): the guard refuses every attempt" in advice.because


def test_where_the_guard_is_closed_the_command_says_so(build):
    job = build.job(guard=Guard(enabled=True, when_unsure=WhenUnsure.CLOSED))
    looks = [build.look("02:05", "none"), build.look("02:05:20", "none")]
    (command,) = words(build, "02:06", job, looks=looks).commands
    assert "--guard --when-unsure closed -- COMMAND" in command
