"""The one door: every signal, whoever brings it, comes in here and is bound to a run."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

import msgspec

from verifier.intake.receipt import Receipt, Refused, RejectCode, Rejection
from verifier.intake.strangers import Named, Strangers
from verifier.intake.wire import Item, read_signal
from verifier.ledger.ledger import Ledger
from verifier.runs.declaration import Declaration, History
from verifier.runs.instant import format_instant
from verifier.runs.signal import Lane, Signal
from verifier.runs.slots import bind


class Watch(Protocol):
    """Whoever wants to know what comes in."""

    def took(self, source: str, kinds: Iterable[str]) -> None:
        """Signals of those kinds came from ``source`` and are durable."""

    def refused(self, source: str, codes: Iterable[str]) -> None:
        """Signals from ``source`` were refused, for those reasons."""

    def committing(self) -> AbstractContextManager[None]:
        """Entered while signals are made durable."""


def receive(
    ledger: Ledger,
    items: Sequence[Item],
    *,
    source: str,
    received_at: datetime,
    watch: Watch | None = None,
    strangers: Strangers | None = None,
) -> Receipt:
    """Take each item that is a signal of a declared job; answer after the commit.

    Bad items are refused one by one, with the index they had; the good ones of the
    same batch are kept. Raises ``LedgerUnavailable`` where nothing could be kept.
    """
    sorted_out = sort_out(items, ledger.histories(), received_at, ledger.signals_from)
    signals = sorted_out.signals
    with watch.committing() if watch else nullcontext():
        kept = ledger.append(signals, source=source, received_at=received_at)
    if watch:
        watch.took(source, [signal.kind for signal in signals])
        watch.refused(source, sorted_out.codes)
    if strangers:
        strangers.meet(source, sorted_out.strangers, received_at)
    return sorted_out.receipt(kept.accepted)


class SortedOut(msgspec.Struct, frozen=True):
    """A body read: the signals in it, and what was refused.

    ``strangers``: the signals of jobs that nobody declared.
    """

    signals: list[Signal]
    rejected: tuple[Rejection, ...]
    received_at: datetime
    strangers: tuple[Named, ...] = ()

    def receipt(self, accepted: int) -> Receipt:
        """The answer, where ``accepted`` of the signals were new."""
        duplicates = len(self.signals) - accepted
        return Receipt(accepted=accepted, duplicates=duplicates, rejected=self.rejected)

    @property
    def codes(self) -> list[RejectCode]:
        """Why what was refused was refused."""
        return [each.code for each in self.rejected]

    @property
    def names_unknown_jobs(self) -> bool:
        """Whether something was refused because nobody declared its job."""
        return bool(self.strangers)


def sort_out(
    items: Sequence[Item],
    histories: Mapping[str, History],
    received_at: datetime,
    kept_from: datetime | None,
) -> SortedOut:
    """Read each item, and refuse those that are no signal of a job of ``histories``.

    Refused too is what was said before ``kept_from``: it may have been told already.
    """
    signals: list[Signal] = []
    rejected: list[Rejection] = []
    strangers: list[Named] = []
    for index, item in enumerate(items):
        try:
            signal = read_signal(item, received_at)
            _check_kept(signal, kept_from)
            check_declared(signal, histories)
        except Refused as refusal:
            rejected.append(refusal.rejection(index))
            if refusal.job is not None:
                strangers.append(Named(refusal.job, signal.id, signal.at))
        else:
            signals.append(signal)
    return SortedOut(signals, tuple(rejected), received_at, tuple(strangers))


def check_declared(signal: Signal, histories: Mapping[str, History]) -> None:
    """Raise ``Refused`` unless ``signal`` is of a declared job and can be bound there.

    An unknown job may be declared later, so that refusal is retriable.
    """
    history = histories.get(signal.job)
    if history is None:
        raise Refused(
            RejectCode.UNKNOWN_JOB,
            f"expected a declared job, found {signal.job[:100]!r}; "
            "declare it in landed.yaml and reload",
            retriable=True,
            job=signal.job[:100],
        )
    declaration = history.at(signal.due or signal.at)
    _check_partition(signal, declaration)
    if signal.due is None and signal.lane is not Lane.MANUAL:
        try:
            bind(declaration.schedule, signal.at)
        except ValueError as error:
            raise Refused(RejectCode.BAD_TIME, f"no slot belongs to at: {error}") from None


def _check_kept(signal: Signal, kept_from: datetime | None) -> None:
    if kept_from is not None and signal.at < kept_from:
        raise Refused(
            RejectCode.TOO_OLD,
            f"expected `at` not before {format_instant(kept_from)}: older signals are no longer "
            "kept (retention.signals), so nobody can tell whether this one was told already",
        )


def _check_partition(signal: Signal, declaration: Declaration) -> None:
    if signal.partition is not None and declaration.partition_name is None:
        raise Refused(
            RejectCode.UNKNOWN_PARTITION,
            f"expected no partition, since {signal.job} declares none; "
            f"found {signal.partition[:100]!r}",
        )


def encode(signals: Iterable[Mapping[str, object]]) -> list[bytes]:
    """Signals as mappings, each made into the JSON item that ``receive`` reads."""
    return [msgspec.json.encode(signal) for signal in signals]
