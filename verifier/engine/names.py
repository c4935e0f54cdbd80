"""What checks name in a store, tried there before a run is judged: tables and columns."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

from verifier.checks.evaluate import MAX_KEYS, open_sessions
from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel
from verifier.checks.names import ABSENT, LONGEST, Trial, try_names
from verifier.checks.partitions import Partitions
from verifier.checks.question import Question
from verifier.checks.reason import CannotTell, Fault, UnknownReason
from verifier.checks.remark import Level, Remark
from verifier.checks.stores.registry import Stores
from verifier.config.compile import trial_slots
from verifier.config.config import Config, Job
from verifier.config.places import places
from verifier.config.problem import Path
from verifier.runs.covers import business_interval

_TRIAL = "trial"
"""The run and the partition that are asked about: there are none of these names."""

_CORRECT = "correct the check, and have runs from before judged by it with `landed act rejudge RUN`"


def examine_names(config: Config, stores: Stores, store: str, now: datetime) -> Iterator[Remark]:
    """What of the things that checks ask of ``store`` cannot be had there.

    Statements are compiled where the store can do that alone, else asked for none of their
    rows, each for ``LONGEST``.
    """
    place = places(config.file)
    there, asked = 0, 0
    with ExitStack() as stack:
        sessions = open_sessions(stack, [store], stores)
        for name, job in config.jobs.items():
            question = _question(name, job)
            for path, title, asker in _askers(name, job):
                inquiry = Inquiry(
                    question=question,
                    now=now,
                    sessions=sessions,
                    stop=stores.stop,
                    max_keys=MAX_KEYS,
                )
                is_open = not isinstance(sessions[store], CannotTell)
                trials = list(try_names(asker, store, inquiry))
                asked += bool(trials)
                there += bool(trials) and all(each.tried and not each.problem for each in trials)
                if is_open and any(each.late for each in trials):
                    stack.close()
                    sessions = open_sessions(stack, [store], stores)
                for trial in trials:
                    if trial.problem is not None:
                        yield _remark(f"{place((*path, *trial.path))}: {title}", trial)
    if there:
        checks = "1 check names" if asked == 1 else f"{there} of {asked} checks name"
        message = f"has the tables and columns that {checks}"
        yield Remark(level=Level.OK, message=message)


def _askers(name: str, job: Job) -> Iterator[tuple[Path, str, CheckModel | Partitions]]:
    if job.partitions is not None:
        yield ("jobs", name, "partitions"), "the list of partitions", job.partitions
    for index, check in enumerate(job.checks):
        yield ("jobs", name, "checks", index), f"check {check.name}", check


def _question(name: str, job: Job) -> Question:
    """One run of the job, at a slot that is tried."""
    declaration = job.declaration
    due = trial_slots(declaration.schedule)[0][0]
    return Question(
        job=name,
        run=_TRIAL,
        partition=_TRIAL,
        due=due,
        interval=business_interval(declaration.schedule, declaration.covers, due),
        timezone=declaration.schedule.timezone,
    )


def _remark(subject: str, trial: Trial) -> Remark:
    assert trial.problem is not None  # noqa: S101 - the caller looked
    reason = trial.problem.reason
    if trial.late:
        message = f"{subject}: not tried, since it takes too long ({LONGEST.seconds} s at most)"
        return Remark(level=Level.WARNING, message=message)
    message = f"{subject} expects {trial.expected}, found: {reason}"
    if trial.found:
        message += f" ({trial.found})"
    if reason in ABSENT:
        hint = f"make what it names: `landed verify JOB` is enough then; or {_CORRECT}"
        return Remark(level=Level.ERROR, message=message, hint=hint)
    if reason is UnknownReason.PERMISSION_DENIED:
        hint = "let the store's user read it"
        return Remark(level=Level.ERROR, message=message, hint=hint)
    if _refused(trial.problem):
        return Remark(level=Level.ERROR, message=message, hint=_CORRECT)
    return Remark(level=Level.WARNING, message=f"{message}; whether it is there is not known")


def _refused(problem: CannotTell) -> bool:
    """Whether the statement is never answered, so that waiting for its store is no use."""
    if problem.reason is UnknownReason.BAD_QUERY:
        return problem.fault is Fault.STATEMENT
    return problem.reason is UnknownReason.NOT_READ_ONLY
