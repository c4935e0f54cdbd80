"""The ledger: durable truth about jobs, attempts and runs, and the one door to it.

Every method is one transaction. What a write returned from is on the disk; of a
write that raised, nothing was kept. Reads see one snapshot and never wait for a
write. Any thread may call any method. All raise ``LedgerUnavailable`` where the
ledger cannot be used now. Instants are UTC, and ``now`` is the present one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, func, select

from verifier.ledger import (
    actions,
    attempts,
    audit,
    cursors,
    declarations,
    evaluations,
    expectations,
    grants,
    horizon,
    job_facts,
    latest,
    leases,
    listing,
    pings,
    sources,
    tallies,
    windows,
)
from verifier.ledger import append as appending
from verifier.ledger import declare as declaring
from verifier.ledger import facts as run_facts
from verifier.ledger import history as run_history
from verifier.ledger import prune_runs as pruning_runs
from verifier.ledger import prune_signals as pruning_signals
from verifier.ledger import revisions as run_revisions
from verifier.ledger import runs as run_rows
from verifier.ledger import snapshot as snapshots
from verifier.ledger.address import database_at
from verifier.ledger.append import Appended
from verifier.ledger.database import Database
from verifier.ledger.declarations import Jobs, Register, job_of
from verifier.ledger.errors import Conflict, LeaseLost, LedgerUnavailable
from verifier.ledger.evaluations import NO_PARTITIONS, Answered
from verifier.ledger.history import RunHistory, RunStory, Span
from verifier.ledger.horizon import Page
from verifier.ledger.leases import Lease
from verifier.ledger.listing import RunFilter
from verifier.ledger.migrate import prepare
from verifier.ledger.prune_runs import Place
from verifier.ledger.restand import Judged, restand
from verifier.ledger.retry import retried
from verifier.ledger.runs import RunRow
from verifier.ledger.schema import meta, runs
from verifier.ledger.signals import Batch
from verifier.ledger.snapshot import Snapshot
from verifier.ledger.sources import Kept, SourceState
from verifier.ledger.statements import chunks
from verifier.ledger.tallies import Tally
from verifier.ledger.transaction import Transaction
from verifier.ledger.windows import BlindWindow
from verifier.runs.action import Action, ActionKind
from verifier.runs.attempt import Attempt
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Declaration, History
from verifier.runs.dues import first_expected
from verifier.runs.evaluation import Cause, CheckResult, Evaluation
from verifier.runs.figures import JobFacts
from verifier.runs.guard import Ruling
from verifier.runs.occurrence import Useful
from verifier.runs.signal import Signal
from verifier.runs.standing import Facts
from verifier.runs.view import GuardRecord, Revision

DECLARING = "declaring"
"""What those who declare have alone, and all others share."""

PRUNING = "pruning"
"""What one has alone at a time, of all who forget what is old."""


class LastWrite:
    """Why the last write could not be made; None where it was."""

    trouble: str | None = None


class Ledger:
    """A ledger that is open; ``with`` closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._register = Register()
        self._last_write = LastWrite()
        self._in_force: tuple[Jobs, dict[str, History]] = ({}, {})
        self._lease: Lease | None = None
        self._taken = 0
        with database.read() as connection:
            born = connection.execute(select(meta)).one()
            self._signals_from = horizon.since(connection, horizon.SIGNALS)
        self.ledger_id: str = born.ledger_id
        self.created_at: datetime = born.created_at

    @classmethod
    def open(cls, url: str, now: datetime) -> Self:
        """Open the ledger at ``url``: ``sqlite:///landed.db``, ``postgresql+psycopg://…``.

        It is created where there is none, and migrated where it is older. Raises
        ``LedgerTooNew`` where a newer landed wrote it, and ``LedgerError`` for a
        URL that is not supported and for a database that is no ledger.
        """
        database = database_at(url)
        try:
            prepare(database, now)
            return cls(database)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def check_ready(self) -> None:
        """Raise ``LedgerUnavailable`` where it cannot be read, or the last write failed.

        A ``serve`` writes every few seconds, so it becomes ready again by itself.
        """
        self.histories()
        if self._last_write.trouble is not None:
            raise LedgerUnavailable(self._last_write.trouble)

    # Declarations

    @retried
    def declare(
        self, job: str, declaration: Declaration, document: Mapping[str, Any], now: datetime
    ) -> bool:
        """Declare a job from ``now`` on; False where it is declared so already.

        ``document`` is the job as written, JSON-ready, nothing interpolated.
        """
        written = dict(document)
        with self._database.read() as connection:
            jobs = self._register.read(connection)
        if declarations.is_declared_so(jobs, job, declaration, written):
            return False
        with self._transaction(now, declares=True) as transaction:
            return declaring.declare(transaction, job, declaration, written)

    @retried
    def retire(self, job: str, now: datetime) -> bool:
        """Expect nothing of a job any more; False where it is retired already."""
        with self._transaction(now, declares=True) as transaction:
            return declaring.retire(transaction, job)

    def histories(self) -> Mapping[str, History]:
        """Every job that is not retired, with all that it was declared to be."""
        with self._database.read() as connection:
            jobs = self._register.read(connection)
        known, histories = self._in_force
        if known is not jobs:
            histories = {name: job.history for name, job in jobs.items() if not job.retired}
            self._in_force = (jobs, histories)
        return histories

    @property
    def name(self) -> str:
        """Which database it is in, in words for people, without a secret."""
        return self._database.name

    @property
    def writers(self) -> int:
        """How many groups of signals are best written at once."""
        return self._database.writers

    @property
    def known_histories(self) -> Mapping[str, History]:
        """What ``histories`` gave last, without asking the database."""
        return self._in_force[1]

    def documents(self, job: str) -> list[tuple[datetime, dict[str, Any]]]:
        """A job's documents with their valid-from, oldest first.

        Raises ``UnknownJob`` where it was never declared.
        """
        with self._database.read() as connection:
            return list(job_of(self._register.read(connection), job).documents)

    # Facts come in

    @retried
    def append(self, signals: Sequence[Signal], *, source: str, received_at: datetime) -> Appended:
        """Keep signals, fold what is new of them, and judge the runs they touch.

        Raises ``UnknownJob`` where one is of a job that was never declared.
        """
        with self._transaction(received_at) as transaction:
            self._check_known(
                transaction, [Batch(signals=signals, source=source, received_at=received_at)]
            )
            return appending.append(transaction, signals, source)

    @retried
    def append_group(
        self, batches: Sequence[Batch], now: datetime, kept: Kept | None = None
    ) -> list[int]:
        """Keep and fold many batches at once; how much of each was new.

        Runs that have no verdict are only woken, to be judged with others. ``kept`` is
        what a source's reader keeps with them. Raises ``UnknownJob`` where one signal is
        of a job that was never declared.
        """
        with self._transaction(now) as transaction:
            self._check_known(transaction, batches)
            accepted = appending.append_group(transaction, batches)
            if kept is not None:
                sources.keep(transaction.connection, transaction.jobs, kept, now)
        self._taken += sum(accepted)
        return accepted

    @property
    def taken(self) -> int:
        """About how many signals this process has taken in groups: to see how fast they come."""
        return self._taken

    def expect(self, job: str, dues: Sequence[datetime], now: datetime) -> None:
        """Have a run of ``job`` for each due instant that its schedule asks for.

        Many are kept in several transactions, so that nobody waits long.
        """
        self.expect_all({job: dues}, now)

    def expect_all(self, dues: Mapping[str, Sequence[datetime]], now: datetime) -> None:
        """The same for many jobs, each with its due instants."""
        for piece in chunks((job, due) for job in sorted(dues) for due in sorted(dues[job])):
            together: dict[str, list[datetime]] = defaultdict(list)
            for job, due in piece:
                together[job].append(due)
            self._expect(together, now)

    @retried
    def _expect(self, dues: Mapping[str, Sequence[datetime]], now: datetime) -> None:
        with self._transaction(now) as transaction:
            expectations.expect(transaction, dues)

    def last_expected(self, job: str) -> datetime | None:
        """Up to which due instant runs of ``job`` were asked for; None for none."""
        with self._database.read() as connection:
            return expectations.last_expected(connection, job)

    def all_last_expected(self) -> dict[str, datetime]:
        """The same of every job of which any run was asked for."""
        with self._database.read() as connection:
            return expectations.all_last_expected(connection)

    @retried
    def record(
        self,
        key: RunKey,
        evaluation: Evaluation,
        now: datetime,
        *,
        partitions: Mapping[RunKey, Evaluation] = NO_PARTITIONS,
    ) -> None:
        """Keep what the checks of a run answered, and judge it.

        ``partitions``: what they answered at the same time of single ones of a run of all.
        """
        with self._transaction(now) as transaction:
            _record(transaction, {key: evaluation, **partitions})

    @retried
    def record_all(self, answers: Sequence[Answered], now: datetime) -> set[RunKey]:
        """Keep what was answered of many runs, and judge them; of which it was kept.

        It is not where somebody else's answer came meanwhile.
        """
        with self._transaction(now) as transaction:
            # All at once and in one order, or two that judge may wait for each other.
            asked = {each.key for each in answers}
            run_rows.begin(transaction, asked.union(*(each.partitions for each in answers)))
            kept = evaluations.still_wanted(transaction.connection, answers)
            found: dict[RunKey, Evaluation] = {}
            for each in kept:
                found |= {each.key: each.evaluation, **each.partitions}
            _record(transaction, found)
            return {each.key for each in kept}

    @retried
    def act(
        self, action: Action, now: datetime | None = None, *, also: Sequence[Action] = ()
    ) -> bool:
        """Keep an operator's action; False where it is kept already.

        ``now`` is the action's own instant where it is not given. ``also``: what it means
        for partitions of its run, kept with it or not at all.

        What it changes about one run is judged at once; what a mute changes about
        the runs of its job, when they are next looked after.
        """
        with self._transaction(now or action.at) as transaction:
            transaction.job(action.job)
            if not actions.add(transaction.connection, action):
                return False
            for each in also:
                actions.add(transaction.connection, each)
            if action.run_id is not None:
                keys = run_rows.keys_of(transaction.connection, [action.run_id])
                restand(transaction, keys, action.kind)
            elif action.kind in (ActionKind.MUTE, ActionKind.UNMUTE):
                muted = (runs.c.job == action.job, runs.c.at >= action.at)
                run_rows.wake(transaction.connection, transaction.jobs, transaction.now, *muted)
            return True

    @retried
    def grant(
        self,
        key: RunKey,
        ask: Callable[[Facts], Ruling],
        claim: Signal,
        *,
        override_by: str | None = None,
        now: datetime,
    ) -> Ruling:
        """Let the guard decide whether the attempt of ``claim`` may start on ``key``.

        ``ask`` is given the facts without that attempt. Where it allows, ``claim`` is
        appended in the same transaction: of two that ask, the second sees it. An
        attempt that asks again gets the answer it got. ``override_by``: who had it
        allowed whatever the facts are. Raises ``AttemptElsewhere`` where the attempt
        is of another run.
        """
        with self._transaction(now) as transaction:
            return grants.grant(transaction, key, ask, claim, override_by=override_by)

    # Time passes

    def awake(self, now: datetime, limit: int, since: datetime | None = None) -> list[RunKey]:
        """The runs about which ``now`` may change something, longest overdue first.

        Of those that are so alike by job: what is kept of jobs side by side is too.
        ``since``: without those about which an instant before may have.
        """
        due = [] if since is None else [runs.c.wake_at >= since]
        with self._database.read() as connection:
            found = (
                select(runs.c.job, runs.c.occurrence, runs.c.partition)
                .where(runs.c.wake_at <= now, *due)
                .order_by(runs.c.wake_at, runs.c.job)
                .limit(limit)
            )
            return [RunKey(*row) for row in connection.execute(found)]

    def next_wake(self) -> datetime | None:
        """When the next run is to be looked at; None where none is."""
        with self._database.read() as connection:
            moment: datetime | None = connection.scalar(select(func.min(runs.c.wake_at)))
            return moment

    @retried
    def judge(self, keys: Iterable[RunKey], now: datetime) -> dict[RunKey, Judged]:
        """Judge runs because time has passed, and have them looked at again when due.

        Returns where they stand, and what depends on them; without those of which
        nothing is known.
        """
        with self._transaction(now) as transaction:
            return restand(transaction, keys, "time")

    # What is known of a run

    def facts(self, key: RunKey, now: datetime) -> Facts:
        """All that is known of a run, whether it has a row or not.

        Raises ``UnknownJob`` where its job was never declared.
        """
        with self._database.read() as connection:
            return run_facts.for_people(connection, self._register.read(connection), key, now)

    def known(self, key: RunKey, now: datetime) -> Facts:
        """What a run is judged by: the same without what people are told of its surroundings."""
        with self._database.read() as connection:
            row = run_rows.get(connection, key.run_id) or run_rows.blank(key, now)
            return run_facts.for_judging(connection, self._register.read(connection), [row])[key]

    def runs(self, filters: RunFilter) -> list[RunRow]:
        """The runs that match, newest due first.

        Raises ``ValueError`` where the cursor is none that a list gave.
        """
        with self._database.read() as connection:
            return listing.matching(connection, filters)

    def row(self, key: RunKey) -> RunRow | None:
        """A run as stored; None where nothing is known of it."""
        with self._database.read() as connection:
            return run_rows.get(connection, key.run_id)

    def find(self, run_id: str) -> RunKey | None:
        """The run of that id; None where nothing is known of it."""
        with self._database.read() as connection:
            row = run_rows.get(connection, run_id)
            return None if row is None else row.key

    def attempts(self, key: RunKey) -> list[Attempt]:
        """The attempts of a run."""
        with self._database.read() as connection:
            return attempts.of_runs(connection, [key.run_id]).get(key.run_id, [])

    def evaluations(self, key: RunKey) -> list[Evaluation]:
        """The evaluations of a run, oldest first."""
        with self._database.read() as connection:
            return evaluations.of_runs(connection, [key.run_id]).get(key.run_id, [])

    def revisions(self, key: RunKey) -> list[Revision]:
        """Every change of a run's verdict, oldest first."""
        with self._database.read() as connection:
            return run_revisions.of_runs(connection, [key.run_id]).get(key.run_id, [])

    def partitions_of(self, key: RunKey) -> set[RunKey]:
        """The runs of single partitions that are known beside the run of all, ``key``."""
        with self._database.read() as connection:
            return run_rows.partitions_of(connection, [key])

    def actions(self, job: str | None = None, run_id: str | None = None) -> list[Action]:
        """All actions, or those of a job and its runs, or those on one run; oldest first."""
        with self._database.read() as connection:
            return actions.read(connection, job, run_id)

    def guard_decisions(self, key: RunKey) -> list[GuardRecord]:
        """What the guard decided about a run, oldest first."""
        with self._database.read() as connection:
            return grants.decisions_on(connection, [key.run_id]).get(key.run_id, [])

    def stories(self, keys: Sequence[RunKey], now: datetime) -> list[RunStory]:
        """All that is known of some runs, in the order given, as of one snapshot.

        Raises ``UnknownJob`` where a job was never declared.
        """
        with self._database.read() as connection:
            jobs = self._register.read(connection)
            return list(run_history.of_runs(connection, jobs, keys, now))

    @contextmanager
    def history(self, span: Span, now: datetime) -> Iterator[RunHistory]:
        """Every run in ``span``, oldest first, of one snapshot, however long reading takes."""
        with self._database.read(long=True) as connection:
            yield run_history.read(connection, self._register.read(connection), span, now)

    # What is known of a job

    def last_useful(self, job: str) -> Useful | None:
        """The last useful completion of a job, as it is declared now.

        Raises ``UnknownJob`` where it was never declared.
        """
        with self._database.read() as connection:
            declaration = job_of(self._register.read(connection), job).history.latest
            return listing.last_useful(connection, declaration)

    def job_facts(self, job: str, now: datetime) -> JobFacts:
        """All that the figures of a job follow from.

        Raises ``UnknownJob`` where it was never declared.
        """
        with self._database.read() as connection:
            return job_facts.read(connection, self._register.read(connection), job, now)

    def snapshot(self, now: datetime, before: Snapshot | None = None) -> Snapshot:
        """All that metrics are made of; what did not change since ``before`` is not read."""
        with self._database.read() as connection:
            jobs = self._register.read(connection)
            return snapshots.read(connection, jobs, now, before)

    def verified_answers(self, key: RunKey, depth: int) -> dict[str, list[CheckResult]]:
        """By check, its answers in the last ``depth`` other verified runs, newest first."""
        with self._database.read() as connection:
            return evaluations.verified_answers(connection, key, depth)

    def tallies(self, family: str | None = None) -> list[Tally]:
        """All counters that counted something, or those of one family."""
        with self._database.read() as connection:
            return tallies.read(connection, family)

    # What the verifier knows about itself

    @property
    def shared(self) -> bool:
        """Whether several processes may serve it at once."""
        return self._database.shared

    def lease(self, name: str) -> Lease | None:
        """Who does alone what ``name`` stands for; None where nobody ever did."""
        with self._database.read() as connection:
            return leases.read(connection, name)

    def take_lease(self, name: str, holder: str, at: datetime, seen: Lease | None) -> Lease | None:
        """Take a lease over that still is as it was ``seen``; None where it is not."""
        with self._committing() as connection:
            return leases.take(connection, name, holder, at, seen)

    def renew_lease(self, lease: Lease, at: datetime) -> Lease | None:
        """Tell that its holder is there and has come to ``at``; None where he lost it."""
        with self._committing() as connection:
            return leases.renew(connection, lease, at)

    def give_back(self, lease: Lease) -> None:
        """Let anyone have a lease at once."""
        with self._committing() as connection:
            leases.give_back(connection, lease)

    def under(self, lease: Lease) -> Self:
        """The same ledger, open as long as this one, for what is done under ``lease``.

        What it writes of jobs, runs and sources is kept only if the lease was held at
        the time of the commit; it raises ``LeaseLost`` otherwise.
        """
        fenced = copy(self)
        fenced._lease = lease
        return fenced

    @retried
    def hear(self, source: str, now: datetime, *, gap: timedelta, caught_up_at: datetime) -> bool:
        """Remember that ``source`` is heard at ``now``; whether it was not for a while.

        Where nobody heard it for longer than ``gap``, that time becomes a blind window,
        of which silence counts from ``caught_up_at`` on; a window that was still open
        is over. Before it was ever heard, nobody had heard what was expected until then.
        Whichever process hears it, it is heard.
        """
        with self._committing() as connection:
            self._database.alone(connection, f"listening/{source}")
            last = cursors.listened(connection).get(source)
            missed = {window.since for window in windows.still_open(connection, source, now)}
            jobs = self._register.read(connection)
            if last is None:
                last = first_expected((job.history for job in jobs.values()), now)
            if now - last > gap:
                missed.add(last)
            for since in sorted(missed):
                windows.add(connection, jobs, BlindWindow(source, since, now, caught_up_at))
            cursors.listen(connection, source, now)
            return bool(missed)

    @retried
    def listening(self, source: str, now: datetime) -> None:
        """Remember that ``source`` is heard at ``now``."""
        with self._committing() as connection:
            self._database.alone(connection, f"listening/{source}")
            cursors.listen(connection, source, now)

    def last_listening(self, source: str) -> datetime | None:
        """When ``source`` was last said to be heard; None where it never was."""
        with self._database.read() as connection:
            return cursors.listened(connection).get(source)

    @retried
    def blind(
        self,
        source: str,
        since: datetime,
        until: datetime | None,
        caught_up_at: datetime | None,
    ) -> None:
        """Keep that ``source`` was not heard from ``since`` to ``until`` (None: still).

        Silence in it counts from ``caught_up_at`` on, never while that is None. The
        same source and ``since`` again replaces what was kept.
        """
        window = BlindWindow(source, since, until, caught_up_at)
        with self._write() as connection:
            windows.add(connection, self._register.read(connection), window)

    def windows(self, source: str | None = None) -> list[BlindWindow]:
        """All blind windows, or those of one source, oldest first."""
        with self._database.read() as connection:
            return windows.read(connection, source)

    @retried
    def keep_source(self, kept: Kept, now: datetime) -> None:
        """Keep what a reader says of its source, where it heard nothing."""
        with self._write() as connection:
            sources.keep(connection, self._register.read(connection), kept, now)

    def sources(self) -> dict[str, SourceState]:
        """The state of every source that was ever declared, by name."""
        with self._database.read() as connection:
            return sources.read(connection)

    def position(self, source: str) -> str | None:
        """Where the reader of a source goes on; None where it never was anywhere."""
        with self._database.read() as connection:
            return sources.position(connection, source)

    def last_heard(self) -> Mapping[str, datetime]:
        """When a signal last came from each source."""
        with self._database.read() as connection:
            return latest.heard(connection)

    def pinged(self) -> set[str]:
        """The jobs that report by themselves and were ever pinged."""
        with self._database.read() as connection:
            jobs = self._register.read(connection).items()
            own = [name for name, job in jobs if not (job.retired or job.history.latest.source)]
            return pings.of_jobs(connection, own)

    def cursor(self, name: str) -> str | None:
        """A position kept under a name; None where there is none."""
        with self._database.read() as connection:
            return cursors.read(connection, name)

    @retried
    def keep_cursor(self, name: str, position: str) -> None:
        """Keep a position under a name, in place of the one before."""
        with self._committing() as connection:
            cursors.write(connection, name, position)

    # What is old is forgotten

    @property
    def signals_from(self) -> datetime | None:
        """From which instant on signals are kept and taken, as far as is known here.

        None where none was ever pruned.
        """
        return self._signals_from

    def runs_from(self) -> datetime | None:
        """From which instant on all runs are kept; None where none was ever pruned."""
        with self._database.read() as connection:
            return horizon.since(connection, horizon.RUNS)

    @retried
    def forget_signals(self, before: datetime, now: datetime) -> bool:
        """Take no signal any more that was said before ``before``, so that those may be pruned.

        False, and nothing is changed, where all that is kept came later.
        """
        with self._database.read() as connection:
            oldest = pruning_signals.oldest(connection)
        if oldest is None or oldest >= before:
            return False
        # Whoever writes has seen what is taken still, so everyone has to wait a moment.
        with self._transaction(now, declares=True) as transaction:
            horizon.forget(transaction.connection, horizon.SIGNALS, before)
            self._signals_from = horizon.since(transaction.connection, horizon.SIGNALS)
        return True

    @retried
    def prune_signals(self, place: int | None, now: datetime) -> Page[int]:
        """Forget the signals of one page of the log that are not taken any more.

        What was folded from them stays. The first ``place`` is None.
        """
        with self._transaction(now) as transaction:
            transaction.alone(PRUNING)
            before = horizon.since(transaction.connection, horizon.SIGNALS)
            if before is None:
                return Page(0, None)
            return pruning_signals.prune(transaction.connection, before, place)

    def old_signals(self, before: datetime, place: int | None) -> Page[int]:
        """What ``prune_signals`` would forget of one page if all before ``before`` went."""
        with self._database.read() as connection:
            return pruning_signals.find(connection, before, place)

    @retried
    def prune_runs(self, before: datetime, place: Place | None, now: datetime) -> Page[Place]:
        """Forget some closed runs of which nothing is as young as ``before``.

        With them go their attempts, evaluations, revisions, guard decisions, and the
        actions on them. No figure of a job changes. The first ``place`` is None.
        """
        with self._transaction(now) as transaction:
            transaction.alone(PRUNING)
            return pruning_runs.prune(transaction, before, place)

    def old_runs(self, before: datetime, place: Place | None) -> Page[Place]:
        """What ``prune_runs`` would forget of one page."""
        with self._database.read() as connection:
            return pruning_runs.find(connection, before, place)

    def check(self, now: datetime | None = None) -> list[str]:
        """What of the log, the attempts, the runs and their standing does not agree.

        Standing is compared only where ``now`` is given.
        """
        with self._database.read(long=True) as connection:
            return audit.check(connection, self._register.read(connection), now)

    def _check_known(self, transaction: Transaction, batches: Sequence[Batch]) -> None:
        """Raise ``Conflict`` where somebody tells what may have been forgotten."""
        self._signals_from = horizon.since(transaction.connection, horizon.SIGNALS)
        if self._signals_from is not None:
            horizon.check_known(self._signals_from, batches)

    @contextmanager
    def _committing(self) -> Iterator[Connection]:
        """A write, of which it is remembered whether it could be made."""
        try:
            with self._database.write() as connection:
                yield connection
        except (Conflict, LeaseLost):
            raise
        except LedgerUnavailable as error:
            self._last_write.trouble = str(error)
            raise
        self._last_write.trouble = None

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._committing() as connection:
            if self._lease is not None:
                leases.check(connection, self._lease)
            yield connection

    @contextmanager
    def _transaction(self, now: datetime, *, declares: bool = False) -> Iterator[Transaction]:
        with self._write() as connection:
            # What is said is bound by what is declared, so that must not change meanwhile.
            self._database.alone(connection, DECLARING, shared=not declares)
            jobs = self._register.read(connection)
            transaction = Transaction(self._database, connection, jobs, now)
            yield transaction
            transaction.finish()


def _record(transaction: Transaction, found: Mapping[RunKey, Evaluation]) -> None:
    for key, evaluation in found.items():
        if evaluation.run_id != key.run_id:
            raise ValueError(f"expected an evaluation of {key.path}, found one of another run")
        transaction.job(key.job)
    by_cause: dict[Cause, list[RunKey]] = defaultdict(list)
    for key in evaluations.add(transaction, found):
        by_cause[found[key].cause].append(key)
    for cause, kept in sorted(by_cause.items()):
        restand(transaction, kept, cause)
