"""The 03:00 card of a job: what it promises, and what is safe when it dies."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap

from verifier.config.config import Job
from verifier.config.fate import Fate, fates
from verifier.runs.advice import AdviceAction
from verifier.runs.advice_words import to_do
from verifier.runs.covers import business_interval
from verifier.runs.declaration import Cron, Declaration, Severity
from verifier.runs.duration import format_duration
from verifier.runs.instant import format_instant
from verifier.runs.slots import next_slot

WIDTH = 80


def card(job: Job, now: datetime) -> list[str]:
    """The card as lines of at most 80 characters; ``now`` is where "next due" counts from."""
    declaration = job.declaration
    lines = [declaration.job]
    for name, text in _facts(job, now):
        lines += wrap(text, WIDTH, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12)
    lines.append("")
    for fate in fates(declaration):
        lines += _fate_lines(fate)
    return lines


def _facts(job: Job, now: datetime) -> Iterator[tuple[str, str]]:
    declaration = job.declaration
    yield "promises", declaration.statement or "nothing: best effort"
    yield "due", _due(declaration, now)
    yield "limits", _limits(declaration)
    yield "done", _done(job)
    if declaration.partition_name is not None:
        yield "split", _split(declaration)
    kinds = [f"{surface.name} ({surface.kind})" for surface in declaration.surfaces]
    yield "effects", ", ".join(kinds)
    guard = declaration.guard
    if guard.enabled:
        yield "guard", f"on; where nobody can tell it is {guard.when_unsure}"
    else:
        yield "guard", "off: nothing keeps a second attempt from starting"
    if declaration.owner:
        yield "owner", declaration.owner
    if declaration.runbook:
        yield "runbook", declaration.runbook


def _due(declaration: Declaration, now: datetime) -> str:
    schedule = declaration.schedule
    slot = next_slot(schedule, now)
    interval = business_interval(schedule, declaration.covers, slot)
    rule = (
        f"{schedule.expression} in {schedule.timezone}"
        if isinstance(schedule, Cron)
        else f"every {format_duration(schedule.period)}"
    )
    return (
        f"{rule}; next {format_instant(slot)}, which is about "
        f"{format_instant(interval.start)} to {format_instant(interval.end)}"
    )


def _limits(declaration: Declaration) -> str:
    limits = [
        f"start within {format_duration(declaration.start_within)}",
        f"finish within {format_duration(declaration.finish_within)}",
    ]
    if declaration.provable:
        asks = {
            Severity.PAGE: ", or somebody is paged",
            Severity.TICKET: ", or there is a ticket",
            Severity.NONE: "",
        }[declaration.severity]
        limits.append(f"verified within {format_duration(declaration.verified_within)}{asks}")
    return ", ".join(limits) + "; all from due"


def _done(job: Job) -> str:
    required = [
        check for check in job.declaration.checks if check.required and not check.only_warns
    ]
    if not required:
        return "nobody asked to prove it: no required check"
    named = ", ".join(f"{check.name} ({check.type})" for check in required)
    return f"all of these hold: {named}"


def _split(declaration: Declaration) -> str:
    """What is told apart, and what somebody who looks at one of them may do."""
    share = declaration.complete_when_pct
    enough = "all" if share >= 100 else f"{share:g}% of them"
    return (
        f"by {declaration.partition_name}: each that is an exception has a run, a verdict and "
        f"advice of its own, and is repaired alone by --partition; useful once {enough} are "
        "verified"
    )


def _fate_lines(fate: Fate) -> Iterator[str]:
    said = str(fate.verdict or fate.state)
    if fate.false_success:
        said += ", a false success"
    elif fate.action is AdviceAction.FENCE_FIRST:
        said += ", it may still write"
    yield from _folded(f"if {fate.happens}:", "  ")
    yield from _folded(f"{said} -> {to_do(fate.action, fate.verdict)}", "      ")
    if fate.unnoticed:
        yield from _folded("no check of this job would notice", "      ! ")
    for sentence in fate.do_not:
        yield from _folded(sentence, "      ! ")


def _folded(text: str, indent: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * (len(indent) + 2))
