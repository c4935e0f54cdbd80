"""Advice in words: what it rests on, what must not be done, what to paste."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from shlex import quote

from verifier.runs.action import is_held
from verifier.runs.advice import STARTS_WORK, Advice, AdviceAction, gravest, repeated
from verifier.runs.attempt import Attempt
from verifier.runs.binding import RunKey
from verifier.runs.conditions import ConditionName
from verifier.runs.contact import is_silent
from verifier.runs.declaration import Declaration, Overlap, SurfaceKind, WhenUnsure
from verifier.runs.effect import SurfaceEffect
from verifier.runs.evaluation import CheckResult, Effect, Evaluation, Result, is_unlisted
from verifier.runs.instant import format_instant
from verifier.runs.lifecycle import at_large_until, end_of, is_alive, is_at_large, state_of
from verifier.runs.occurrence import gravest as gravest_exceptions
from verifier.runs.reported import Reported
from verifier.runs.signal import Kind
from verifier.runs.standing import Facts, Standing
from verifier.runs.verdict import Verdict

TO_DO = {
    AdviceAction.ACCEPT: "nothing",
    AdviceAction.WAIT: "wait",
    AdviceAction.RUN: "run it",
    AdviceAction.RETRY: "start it again",
    AdviceAction.RESUME: "go on from the checkpoint",
    AdviceAction.REPAIR_RERUN: "run it again: it repairs itself",
    AdviceAction.RECONCILE_FIRST: "compare and repair by hand before anything else",
    AdviceAction.STOP_RETRIES: "stop the scheduler's retries",
    AdviceAction.STOP_FIRST: "stop it before anything else",
    AdviceAction.FENCE_FIRST: "make sure that it is dead before anything else",
    AdviceAction.DECLARE_CHECK: "declare a check, so that somebody knows",
    AdviceAction.ASK_AGAIN: "ask the destination again",
    AdviceAction.CORRECT_CHECK: "correct the check, then have the run judged by it",
}
"""What a person does for each action of advice."""

_CAUSE_FIRST = "find the cause, then run it again"


def to_do(action: AdviceAction, verdict: Verdict | None) -> str:
    """What a person does for ``action`` on a run of ``verdict``."""
    wrong = action is AdviceAction.REPAIR_RERUN and verdict is Verdict.WRONG
    return _CAUSE_FIRST if wrong else TO_DO[action]


_TWICE = {
    SurfaceKind.NONE: "it would do the work twice",
    SurfaceKind.REPLACE: "two attempts at once would leave a mixture",
    SurfaceKind.UPSERT: "two attempts at once would leave a mixture",
    SurfaceKind.APPEND: "what it wrote already would be there twice",
    SurfaceKind.EXTERNAL: "what was sent or paid already would be sent or paid twice",
}


def advise(facts: Facts, stood: Standing, now: datetime) -> Advice:
    """The advice on a run as it stands, for a person who reads no code."""
    surfaces = _surfaces(facts.declaration, stood)
    return Advice(
        action=stood.action,
        because=tuple(_because(facts, stood, surfaces, now)),
        do_not=tuple(_do_not(facts, stood, surfaces, now)),
        commands=tuple(_commands(facts, stood, now)),
        partitions=_partitions(facts, stood),
        valid_until=stood.wake_at,
    )


def _partitions(facts: Facts, stood: Standing) -> tuple[str, ...]:
    """The partitions that the advice is about: of a run of all, the first that are open."""
    if facts.key.partition:
        return (facts.key.partition,)
    count = stood.judged_by.partitions if stood.judged_by else None
    return tuple(name for name, _ in gravest_exceptions(count, facts.parts))


def _surfaces(declaration: Declaration, stood: Standing) -> Sequence[SurfaceEffect]:
    if stood.finding is not None:
        return stood.finding.surfaces
    return [SurfaceEffect(surface, Effect.UNKNOWN) for surface in declaration.surfaces]


def _because(
    facts: Facts, stood: Standing, surfaces: Sequence[SurfaceEffect], now: datetime
) -> Iterator[str]:
    yield _reported_sentence(facts, stood)
    if facts.key.partition and is_unlisted(facts.evaluations):
        yield f"nobody listed {facts.key.partition} as a partition of this run: it is no part of it"
    elif stood.reported is Reported.NONE and stood.verdict is None and not facts.expected:
        yield "nobody expected it: the job was not declared at that time, so it is not missing"
    if is_silent(facts.contact, now):
        yield f"{_source(facts)}: what happened since is not known"
    elif facts.deaf and stood.reported is Reported.NONE:
        since = "and never will" if facts.heard_again else "and nobody has caught up yet"
        yield f"nobody could hear it at that time, {since}: it may have run"
    held = is_held(action for action in facts.actions if action.run_id is None)
    if held is not None:
        yield f"the job is on hold by {held.by} ({held.reason}): the guard refuses every attempt"
    if facts.evaluations:
        for result in _shown(facts, stood).results:
            yield check_sentence(result)
        wrong = stood.finding.incorrect if stood.finding is not None else ()
        if wrong:
            names = " and ".join(f"check {name}" for name in wrong)
            yield f"asking again helps only once {names} is corrected, or what is named there made"
    elif not facts.declaration.checks:
        yield "no check is declared: nobody asked to prove it"
    else:
        yield "the destination has not been asked yet"
    for each in stood.conditions:
        if each.condition in (ConditionName.STALLED, ConditionName.OVERDUE):
            yield f"{each.condition} since {format_instant(each.since)}"
        if each.condition is ConditionName.RETRY_PENDING and each.until is not None:
            yield f"the scheduler retries by itself at {format_instant(each.until)}"
    for attempt in facts.attempts:
        until = at_large_until(attempt, facts.declaration)
        if until is not None and is_at_large(attempt, facts.declaration, now):
            yield (
                f"attempt {attempt.attempt} fell silent and may still write "
                f"until {format_instant(until)}"
            )
    grave = gravest(surfaces)
    if grave is not None and stood.verdict is not None and not stood.verdict.closed:
        yield f"surface {grave.name} is {grave.kind}: {_TWICE[grave.kind]}"


def _source(facts: Facts) -> str:
    until = facts.contact.until if facts.contact else None
    heard = f"was last heard at {format_instant(until)}" if until else "was never heard"
    return f"source {facts.declaration.source} {heard}"


def _shown(facts: Facts, stood: Standing) -> Evaluation:
    return stood.judged_by or facts.evaluations[-1]


def _reported_sentence(facts: Facts, stood: Standing) -> str:
    if stood.reported is Reported.NONE:
        where = f" (the chain broke at {stood.chain_broke_at})" if stood.chain_broke_at else ""
        return f"no attempt was reported{where}"
    ended = [(end, a) for a in facts.attempts if (end := end_of(a)) is not None]
    if stood.reported in (Reported.RUNNING, Reported.QUEUED) or not ended:
        return f"reported {stood.reported}"
    told = [pair for pair in ended if pair[0].kind == str(stood.reported)] or ended
    end, _ = max(told, key=lambda pair: pair[0].at)
    detail = end.reason or (f"exit code {end.exit_code}" if end.exit_code else "")
    return f"reported {stood.reported}" + (f" ({detail})" if detail else "")


def check_sentence(result: CheckResult) -> str:
    """One check's answer in a sentence, with its counts."""
    if result.result is Result.UNKNOWN:
        return f"check {result.name} could not tell: {result.reason}"
    counts = []
    if result.expected is not None and result.done is not None:
        counts.append(f"{result.done} of {result.expected} there")
    for count, word in (
        (result.missing, "missing"),
        (result.surplus, "surplus"),
        (result.unexpected, "unexpected"),
    ):
        if count:
            counts.append(f"{count} {word}")
    answer = str(result.effect) if result.effect is not None else str(result.result)
    return f"check {result.name}: {answer}" + (f" ({', '.join(counts)})" if counts else "")


def _do_not(
    facts: Facts, stood: Standing, surfaces: Sequence[SurfaceEffect], now: datetime
) -> Iterator[str]:
    chosen = stood.action
    unheard = facts.deaf and stood.reported is Reported.NONE
    if chosen in STARTS_WORK and (unheard or is_silent(facts.contact, now)):
        yield (
            "do not start it before somebody has looked at its scheduler: an attempt that "
            "nobody heard of may be under way"
        )
    grave = gravest(surfaces)
    twice = _TWICE[grave.kind] if grave is not None else _TWICE[SurfaceKind.NONE]
    taken = repeated(surfaces)
    if chosen is AdviceAction.RECONCILE_FIRST:
        yield f"do not start it again: {twice}"
        if taken and stood.verdict is not Verdict.DUPLICATED:
            yield f"do not repeat {', '.join(taken)}: proven complete"
    elif chosen is AdviceAction.STOP_RETRIES:
        yield f"do not let the scheduler retry: {twice}"
    elif chosen is AdviceAction.STOP_FIRST:
        yield f"do not start another attempt while this one is alive: {twice}"
    elif chosen is AdviceAction.FENCE_FIRST:
        yield f"do not start another attempt before the silent one is proven dead: {twice}"
    elif chosen is AdviceAction.WAIT:
        yield from _while_waiting(facts, stood)
    elif chosen is AdviceAction.ACCEPT and stood.verdict and facts.declaration.repeats_harm:
        yield f"do not run it again: {_TWICE[_harm(facts.declaration)]}"
    elif chosen is AdviceAction.REPAIR_RERUN and stood.verdict is Verdict.WRONG:
        yield "do not rerun before the cause is known: it would write the same wrong rows"
    if stood.verdict in _UNFIT and facts.declaration.consumers:
        yield f"do not let these read it: {', '.join(facts.declaration.consumers)}"


_UNFIT = frozenset({Verdict.DUPLICATED, Verdict.PARTIAL, Verdict.WRONG})
"""Verdicts over results that are there, and not what they should be."""


def _harm(declaration: Declaration) -> SurfaceKind:
    kinds = [surface.kind for surface in declaration.surfaces]
    return max(kinds, key=lambda kind: kind.gravity)


def _while_waiting(facts: Facts, stood: Standing) -> Iterator[str]:
    if stood.reported is Reported.QUEUED:
        yield "do not start it by hand: an attempt is queued and may start at any time"
    elif stood.reported is Reported.RUNNING:
        yield "do not start another attempt: one is running"
    if facts.declaration.overlap is Overlap.COALESCE and not facts.newest:
        yield "do not run it: a newer run answers for it"


def _commands(facts: Facts, stood: Standing, now: datetime) -> Iterator[str]:
    key, chosen = facts.key, stood.action
    due = f" --due {key.occurrence}" if key.due is not None else ""
    part = f" --partition {quote(key.partition)}" if key.partition else ""
    path = quote(key.path)
    if chosen in STARTS_WORK:
        lane = " --lane rerun" if due else " --lane manual"
        guard = _guarded(facts.declaration, chosen)
        yield f"landed exec --job {key.job}{due}{part}{lane}{guard} -- COMMAND"
    elif chosen is AdviceAction.STOP_FIRST:
        yield from _end_all(path, [each for each in facts.attempts if is_alive(each)])
    elif chosen is AdviceAction.FENCE_FIRST:
        loose = [each for each in facts.attempts if is_at_large(each, facts.declaration, now)]
        yield from _end_all(path, loose)
    elif chosen in (AdviceAction.ASK_AGAIN, AdviceAction.RECONCILE_FIRST):
        yield f"landed verify {key.job}{due}{part}"
        if chosen is AdviceAction.RECONCILE_FIRST:
            yield f"{_act('reconcile', path, '', 'WHY')}    # only once it has been repaired"
    elif chosen is AdviceAction.CORRECT_CHECK:
        # Partitions are judged anew with the run of all of them.
        whole = quote(RunKey(key.job, key.occurrence).path)
        yield f"{_act('rejudge', whole, '', 'WHY')}    # once landed.yaml is corrected"
        yield f"landed verify {key.job}{due}"
    if chosen is AdviceAction.STOP_RETRIES:
        yield f"landed act hold {key.job} --by YOU --reason WHY"


def _guarded(declaration: Declaration, chosen: AdviceAction) -> str:
    """How the wrapper asks the guard, in a job that has one."""
    if not declaration.guard.enabled:
        return ""
    # What the host was never told by the verifier, its wrapper cannot know.
    closed = declaration.guard.when_unsure is WhenUnsure.CLOSED
    unsure = " --when-unsure closed" if closed else ""
    return f" --guard{unsure}{_MODES.get(chosen, '')}"


_MODES = {AdviceAction.REPAIR_RERUN: " --mode repair", AdviceAction.RESUME: " --mode resume"}


def _end_all(path: str, attempts: Sequence[Attempt]) -> Iterator[str]:
    """How to stop each attempt, where its worker tells, and to say that it is dead."""
    for attempt in attempts:
        worker = attempt.worker.value if attempt.worker else ""
        host, _, pid = worker.rpartition(":")
        if host and pid.isdigit() and any(end.kind in _OVER for end in attempt.ends):
            # Its number may be another process's by now.
            yield f"# process {pid} on {host} has ended: stop what it started and left behind"
        elif host and pid.isdigit():
            yield f"kill -TERM {pid}    # on {host}; it is {state_of(attempt)}"
        yield _act("fence", path, f" --attempt {quote(attempt.attempt)}", "WHY")


_OVER = frozenset({Kind.SUCCEEDED, Kind.FAILED})
"""Ends that only a process which is gone has."""


def _act(name: str, path: str, extra: str, reason: str) -> str:
    return f"landed act {name} {path}{extra} --by YOU --reason {reason}"
