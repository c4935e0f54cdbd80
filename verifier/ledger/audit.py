"""Whether the log, what was folded from it, and where runs stand agree."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from random import Random
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from verifier.ledger import facts as run_facts
from verifier.ledger import runs as run_rows
from verifier.ledger.append import skipped_run
from verifier.ledger.declarations import Job, Jobs
from verifier.ledger.horizon import RUNS, SIGNALS, since
from verifier.ledger.schema import attempts, runs, signals
from verifier.ledger.signals import UNBOUND, is_anonymous, named
from verifier.ledger.statements import chunks
from verifier.runs.attempt import Attempt, Told, fold
from verifier.runs.binding import RunKey, anonymous_attempt, bind_anonymous, run_key
from verifier.runs.instant import EPOCH
from verifier.runs.signal import Kind, Signal
from verifier.runs.standing import standing

AT_ONCE = 2_000
"""Signals that are read at once."""

SEED = 20260403
"""Of the order in which signals are folded again; any other than theirs will do."""


class Kept(msgspec.Struct, frozen=True):
    """From when on signals and runs are kept; the beginning where none was pruned."""

    signals: datetime
    runs: datetime

    def whole(self, attempt: Attempt) -> bool:
        """Whether all signals of an attempt are in the log."""
        return attempt.first_said is None or attempt.first_said >= self.signals


class Logged(msgspec.Struct, frozen=True):
    """A signal of the log, and the attempt it is bound to there."""

    signal: Signal
    attempt: str


def check(connection: Connection, jobs: Jobs, now: datetime | None = None) -> list[str]:
    """What does not agree, each in one sentence; nothing where all does.

    Everything is folded from the log anew; of what was pruned only so far as what is
    left of it says nothing new. With ``now``, runs that were not to be
    looked at before then are judged anew too, and must stand as they are stored.
    """
    found: list[str] = []
    kept = Kept(signals=since(connection, SIGNALS) or EPOCH, runs=since(connection, RUNS) or EPOCH)
    for name, log in _logs(connection, jobs):
        found += _check_job(connection, name, jobs[name], log, kept)
        if now is not None:
            found += _check_standings(connection, jobs, name, now)
    return found


def _check_job(
    connection: Connection, name: str, job: Job, log: Sequence[Logged], kept: Kept
) -> Iterator[str]:
    bound = _bound(job, [each.signal for each in log])
    for each in log:
        attempt = bound.get(each.signal.id, UNBOUND)
        if attempt != each.attempt and each.signal.at >= kept.signals:
            yield (
                f"{name}: signal {each.signal.id!r} is bound to attempt {each.attempt!r}, "
                f"and should be to {attempt!r}"
            )
    stored = {
        row.attempt: row
        for row in connection.execute(select(attempts).where(attempts.c.job == name))
    }
    folded = _folded(bound, log, {key: row.body for key, row in stored.items()}, kept)
    for attempt in sorted(folded.keys() | stored.keys()):
        yield from _check_attempt(name, job, attempt, folded.get(attempt), stored.get(attempt))
    keys = {
        key for attempt in folded.values() if (key := run_key(attempt, job.schedule_at)) is not None
    }
    skips = [each.signal for each in log if each.signal.kind is Kind.SKIPPED]
    yield from _check_runs(connection, name, keys, _first_skips(job, skips), kept)


def _logs(connection: Connection, jobs: Jobs) -> Iterator[tuple[str, list[Logged]]]:
    """What was said of each job, those first of which something was."""
    told = select(signals.c.job, signals.c.body, signals.c.attempt).order_by(signals.c.job)
    streaming = {"stream_results": True, "max_row_buffer": AT_ONCE}
    heard = set()
    with connection.execute(told, execution_options=streaming) as streamed:
        for name, rows in groupby(streamed, key=lambda row: row.job):
            if name not in jobs:
                continue
            log = [Logged(row.body, row.attempt) for row in rows]
            Random(SEED).shuffle(log)  # noqa: S311 - nobody has to guess it
            yield name, log
            heard.add(name)
    for name in sorted(jobs.keys() - heard):
        yield name, []


def _bound(job: Job, log: Sequence[Signal]) -> dict[str, str]:
    """The attempt of each signal that is of one, by the signal's id."""
    bound: dict[str, str] = {}
    unnamed: dict[str | None, list[Signal]] = defaultdict(list)
    for signal in log:
        if is_anonymous(signal):
            unnamed[signal.partition].append(signal)
        elif signal.kind is not Kind.SKIPPED and signal.attempt is not None:
            bound[signal.id] = signal.attempt
    for partition, said in unnamed.items():
        said.sort(key=lambda each: (each.at, each.id))
        dues = bind_anonymous(said, job.schedule_at)
        bound |= {each: anonymous_attempt(due, partition) for each, due in dues.items()}
    return bound


def _folded(
    bound: Mapping[str, str], log: Iterable[Logged], stored: Mapping[str, Attempt], kept: Kept
) -> dict[str, Attempt]:
    """The attempts as their signals have them.

    Where some of those were pruned, what is left is joined with what is stored, and must
    say nothing new. An attempt that was forgotten with its run is left out.
    """
    by_attempt: dict[str, list[Signal]] = {each: [] for each in stored}
    for each in log:
        if (attempt := bound.get(each.signal.id)) is not None:
            by_attempt.setdefault(attempt, []).append(named(each.signal, attempt))
    folded = {}
    for attempt, said in by_attempt.items():
        known = stored.get(attempt)
        rest = fold(known if known is not None and not kept.whole(known) else None, said)
        if rest is not None and (known is not None or kept.whole(rest)):
            folded[attempt] = rest
    return folded


def _check_attempt(
    name: str, job: Job, attempt: str, folded: Attempt | None, stored: Row[Any] | None
) -> Iterator[str]:
    if folded is None or stored is None or folded != stored.body:
        yield f"{name}: attempt {attempt!r} is not what its signals say"
        return
    key = run_key(folded, job.schedule_at)
    run_id = None if key is None else key.run_id
    if stored.run_id != run_id:
        yield f"{name}: attempt {attempt!r} is of run {stored.run_id}, and should be of {run_id}"


def _first_skips(job: Job, skips: Iterable[Signal]) -> dict[RunKey, Told[str]]:
    first: dict[RunKey, Told[str]] = {}
    for signal in sorted(skips, key=lambda each: (each.at, each.id), reverse=True):
        first[skipped_run(job, signal)] = Told(signal.at, signal.id, signal.reason or "")
    return first


def _check_runs(
    connection: Connection,
    name: str,
    tried: set[RunKey],
    skips: Mapping[RunKey, Told[str]],
    kept: Kept,
) -> Iterator[str]:
    rows = {
        row.key: row
        for row in map(run_rows.row_of, connection.execute(select(runs).where(runs.c.job == name)))
    }
    for key in sorted((tried | skips.keys()) - rows.keys()):
        if key.due is not None and key.due < kept.runs:
            continue
        yield f"{name}: run {key.path} is not there, though its signals are"
    for key, row in rows.items():
        forgotten = row.skipped is not None and row.skipped.at < kept.signals
        if row.skipped != skips.get(key) and not forgotten:
            yield f"{name}: run {key.path} is not skipped as its signals say"


def _check_standings(connection: Connection, jobs: Jobs, name: str, now: datetime) -> Iterator[str]:
    found = select(runs).where(runs.c.job == name)
    asleep = found.where(runs.c.wake_at.is_(None) | (runs.c.wake_at > now))
    for piece in chunks(map(run_rows.row_of, connection.execute(asleep))):
        facts = run_facts.for_judging(connection, jobs, piece)
        for row in piece:
            stood = standing(facts[row.key], now)
            if (stood.state, stood.verdict, stood.reported) != (
                row.state,
                row.verdict,
                row.reported,
            ):
                yield (
                    f"{name}: run {row.key.path} is stored as {row.state}, {row.verdict} and "
                    f"{row.reported}, and stands at {stood.state}, {stood.verdict} and "
                    f"{stood.reported}"
                )
