"""What ``/metrics`` tells of one job: its figures and its tallies as rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from verifier.catalogue import histograms, states, times
from verifier.catalogue.counters import COUNTERS
from verifier.catalogue.family import Family, LaneRule
from verifier.catalogue.label import QUANTILES, Freshness, KeyState
from verifier.exporters.rows import Distribution, Row, Rows, combinations, distribution, instants
from verifier.ledger.tallies import Tally
from verifier.runs.declaration import Declaration
from verifier.runs.evaluation import CheckResult, PartitionCount, Result
from verifier.runs.figures import JobFacts, JobFigures
from verifier.runs.signal import Lane

KEYED = frozenset({"scope", "exactly_once"})
"""Types of checks that count business keys."""

JOB_HISTOGRAMS = tuple(family for family in histograms.HISTOGRAMS if family.of_job)


def job_rows(
    job: str,
    facts: JobFacts,
    known: JobFigures,
    tallies: Iterable[Tally],
) -> Rows:
    """The rows of every family that the job has something in."""
    return {
        states.JOB_INFO.name: [Row((job, *_description(facts.declaration)), 1)],
        **_times(job, known),
        **_states(job, facts.declaration, known),
        **_checks(job, facts.declaration, known),
        **_events(job, tallies),
    }


def _description(declaration: Declaration) -> tuple[str, ...]:
    surfaces = sorted((each.kind for each in declaration.surfaces), key=lambda kind: kind.gravity)
    return (
        declaration.scheduler or "none",
        declaration.job_class or "none",
        declaration.overlap,
        surfaces[-1] if surfaces else "none",
        declaration.owner or "",
    )


def _times(job: str, known: JobFigures) -> Rows:
    useful = known.useful
    moments: tuple[tuple[Family, datetime | None], ...] = (
        (times.NEXT_DUE, known.next_due),
        (times.LAST_DUE, known.last_due),
        (times.LAST_CREATED, known.last_created),
        (times.LAST_STARTED, known.last_started),
        (times.LAST_SUCCESS, known.last_success),
        (times.LAST_USEFUL_COMPLETION, useful.completed_at if useful else None),
        (times.LAST_VERIFIED_DUE, useful.due if useful else None),
        (times.USEFUL_COMPLETION_DUE, known.useful_due),
        (times.REGISTERED, known.registered),
        (times.MUTED_UNTIL, known.muted_until),
        (times.OLDEST_RUNNING_START, known.oldest_start),
        (times.OLDEST_RUNNING_HEARTBEAT, known.oldest_heartbeat),
        (times.OLDEST_RUNNING_PROGRESS, known.oldest_progress),
        (times.OLDEST_UNCLAIMED_CREATED, known.oldest_unclaimed),
    )
    return {family.name: instants([((job,), moment)]) for family, moment in moments}


def _states(job: str, declaration: Declaration, known: JobFigures) -> Rows:
    open_runs: dict[tuple[str, ...], int] = {
        (each.lane, each.verdict): each.runs for each in known.open
    }
    quantiles = [(part, known.quantile(float(part))) for part in QUANTILES]
    return {
        states.RUNS_OPEN.name: list(_held(states.RUNS_OPEN, job, open_runs)),
        states.RUNS_WAITING.name: [Row((job,), known.waiting)],
        states.FALSE_SUCCESSES_OPEN.name: [Row((job,), known.false_successes)],
        states.ATTEMPTS_ACTIVE.name: list(
            _held(
                states.ATTEMPTS_ACTIVE,
                job,
                {(lane,): count for lane, count in known.active.items()},
            )
        ),
        states.RUN_CONDITIONS.name: list(
            _held(
                states.RUN_CONDITIONS,
                job,
                {(condition,): count for condition, count in known.conditions.items()},
            )
        ),
        states.ATTEMPTS_SINCE_USEFUL.name: list(_figure(job, known.since_useful)),
        states.OLDEST_RUNNING_RATIO.name: list(_figure(job, known.running_ratio)),
        states.RECENT_RATIO.name: [
            Row((job, part), value) for part, value in quantiles if value is not None
        ],
        states.CHECKS.name: [Row((job,), len(declaration.checks))],
        states.PARTITIONS.name: list(_partitions(job, known.partitions)),
    }


def _partitions(job: str, count: PartitionCount | None) -> Iterator[Row]:
    for name, (holding, total) in sorted(count.by_class.items()) if count else ():
        unknown = count.unknown.get(name, 0) if count else 0
        for state, number in (
            (Freshness.FRESH, holding),
            (Freshness.STALE, total - holding - unknown),
            (Freshness.UNKNOWN, unknown),
        ):
            if number:
                yield Row((job, name, state), number)


def _figure(job: str, value: float | None) -> Iterator[Row]:
    if value is not None:
        yield Row((job,), value)


def _held(family: Family, job: str, counts: Mapping[tuple[str, ...], int]) -> Iterator[Row]:
    """Those of ``counts`` that are above 0, in the order of the labels' values."""
    for labels in combinations(family, job):
        count = counts.get(labels[1:], 0)
        if count:
            yield Row(labels, count)


def _checks(job: str, declaration: Declaration, known: JobFigures) -> Rows:
    declared = [check.name for check in declaration.checks]
    answers = {answer.name: answer for answer in known.answers}
    answered = [(name, answers[name]) for name in declared if name in answers]
    return {
        states.CHECK_RESULT.name: [Row((job, name, answer.result), 1) for name, answer in answered],
        states.SCOPE_KEYS.name: [
            Row((job, name, state), count)
            for name, answer in answered
            for state, count in _keys(answer)
        ],
        states.CHECK_LAST_ANSWER.name: instants(
            ((job, name), known.answered.get(name)) for name in declared
        ),
    }


def _keys(answer: CheckResult) -> Iterator[tuple[KeyState, int]]:
    """What the check counted; nothing where it could not tell."""
    if answer.type not in KEYED or answer.result is Result.UNKNOWN:
        return
    if answer.expected is not None:
        yield KeyState.EXPECTED, answer.expected
        yield KeyState.DONE, answer.done or 0
        yield KeyState.MISSING, answer.missing
    yield KeyState.DUPLICATED, answer.surplus
    if answer.expected is not None:
        yield KeyState.UNEXPECTED, answer.unexpected


def _events(job: str, tallies: Iterable[Tally]) -> Rows:
    """Counters and histograms, with 0 for what is declared and was never counted."""
    found: dict[str, list[Tally]] = {}
    for tally in tallies:
        found.setdefault(tally.family, []).append(tally)
    rows: dict[str, Sequence[Row]] = {}
    for family in COUNTERS:
        rows[family.name] = list(_counts(family, job, found.get(family.name, ())))
    for family in JOB_HISTOGRAMS:
        rows[family.name] = [Row((job,), distribution_of(family, found))]
    return rows


def _counts(family: Family, job: str, tallies: Sequence[Tally]) -> Iterator[Row]:
    names = family.label_names[1:]
    values = {tuple(each.labels.get(name, "") for name in names): each.value for each in tallies}
    for labels in combinations(family, job):
        value = values.get(labels[1:])
        always = family.lanes is not LaneRule.SPLIT or Lane.LIVE in labels[1:]
        if value is not None or always:
            yield Row(labels, value or 0)


def distribution_of(
    family: Family, tallies: Mapping[str, Sequence[Tally]], **labels: str
) -> Distribution:
    """What the tallies say of a histogram, or of that with those labels."""
    counts: dict[float, float] = {}
    for each in tallies.get(f"{family.name}_bucket", ()):
        if labels.items() <= each.labels.items():
            bound = float(each.labels["le"])
            counts[bound] = counts.get(bound, 0) + each.value
    total = sum(
        each.value
        for each in tallies.get(f"{family.name}_sum", ())
        if labels.items() <= each.labels.items()
    )
    return distribution(family, counts, total)
