"""The writer on real ledgers of both kinds: together, exactly, in bounds."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from verifier.intake.writer import GROUP, Full, Ticket, Writer
from verifier.ledger.errors import LedgerUnavailable, UnknownJob
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.ledger.signals import Batch
from verifier.runs.declaration import Declaration, Every, Surface, SurfaceKind
from verifier.runs.signal import Kind, Signal

NOW = datetime(2026, 4, 3, 2, 0, tzinfo=UTC)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url, NOW) as ledger:
        declaration = Declaration(
            job="quarter",
            schedule=Every(period=timedelta(minutes=15)),
            surfaces=(Surface(name="table", kind=SurfaceKind.REPLACE),),
            finish_within=timedelta(minutes=10),
            verified_within=timedelta(hours=1),
            zombie_grace=timedelta(minutes=20),
        )
        ledger.declare("quarter", declaration, {}, NOW)
        yield ledger


def said(*ids: str, job: str = "quarter") -> Batch:
    signals = [
        Signal(job=job, kind=Kind.STARTED, at=NOW, id=each, attempt=f"a-{each}") for each in ids
    ]
    return Batch(signals=signals, source="test", received_at=NOW)


class Told:
    """What the writer told, and when it is enough."""

    def __init__(self, count: int) -> None:
        self.groups: list[list[Ticket]] = []
        self._left = count
        self._all = Event()

    def __call__(self, tickets: Any) -> None:
        self.groups.append(list(tickets))
        self._left -= len(tickets)
        if self._left <= 0:
            self._all.set()

    def wait(self) -> None:
        assert self._all.wait(20)


def written(writer: Writer, *batches: Batch) -> tuple[Told, list[Ticket]]:
    told = Told(len(batches))
    tickets = [Ticket(batch, told) for batch in batches]
    for ticket in tickets:
        writer.submit(ticket)
    writer.flush()
    told.wait()
    return told, tickets


def test_what_has_gathered_is_written_together_and_each_is_told_what_was_new_of_its_own(ledger):
    told, tickets = written(
        Writer(ledger, lambda: NOW), said("1", "2"), said("2", "3", "3"), said("1"), said("4")
    )
    assert [ticket.accepted for ticket in tickets] == [2, 1, 0, 1]
    assert len(told.groups) == 1
    assert ledger.check() == []


def test_a_commit_takes_no_more_than_a_group_but_a_larger_batch_whole(ledger):
    big = said(*map(str, range(GROUP + 5)))
    told, tickets = written(Writer(ledger, lambda: NOW), said("a"), big, said("b"))
    assert [ticket.accepted for ticket in tickets] == [1, GROUP + 5, 1]
    assert max(len(group) for group in told.groups) == 1


def test_beyond_what_may_wait_nothing_is_taken_and_later_it_is(ledger):
    writer = Writer(ledger, lambda: NOW, waiting=3)
    told = Told(1)
    writer.submit(Ticket(said("1", "2"), told))
    with pytest.raises(Full, match="2 signals wait"):
        writer.submit(Ticket(said("3", "4"), told))
    writer.flush()
    told.wait()
    _, (ticket,) = written(writer, said("3", "4"))
    assert ticket.accepted == 2


def test_one_batch_that_cannot_be_written_keeps_no_other_from_it(ledger):
    _, (good, bad, other) = written(
        Writer(ledger, lambda: NOW), said("1"), said("2", job="nobody"), said("3")
    )
    assert (good.accepted, good.error, other.accepted) == (1, None, 1)
    assert isinstance(bad.error, UnknownJob)


def test_while_the_ledger_cannot_be_used_everyone_is_told_and_afterwards_it_goes_on(ledger):
    writer = Writer(ledger, lambda: NOW)
    ledger._database.close()
    broken, ledger._database.write = ledger._database.write, refusing
    _, tickets = written(writer, said("1"), said("2"))
    assert all(isinstance(ticket.error, LedgerUnavailable) for ticket in tickets)
    ledger._database.write = broken
    _, (again,) = written(writer, said("1"))
    assert (again.accepted, again.error) == (1, None)


def refusing() -> Any:
    raise LedgerUnavailable("no disk")


def test_a_run_that_was_only_woken_stands_where_it_would_once_it_is_judged(ledger):
    written(Writer(ledger, lambda: NOW), said("1"))
    (row,) = ledger.runs(RunFilter())
    assert (row.verdict, row.wake_at, row.lane) == (None, NOW, "live")
    ledger.judge([row.key], NOW)
    assert ledger.row(row.key).reported == "running"
    assert ledger.check(NOW) == []


def test_a_run_with_a_verdict_loses_it_in_the_commit_of_a_new_attempt(ledger):
    ended = Signal(job="quarter", kind=Kind.SUCCEEDED, at=NOW, id="end", attempt="a")
    ledger.append([ended], source="test", received_at=NOW)
    (row,) = ledger.runs(RunFilter())
    assert row.verdict == "unproven"
    written(Writer(ledger, lambda: NOW), said("again"))
    assert ledger.row(row.key).verdict is None
    assert [each.became for each in ledger.revisions(row.key)] == ["unproven", None]


def test_many_threads_that_repeat_each_other_are_told_exactly_what_was_new(ledger):
    writer, tickets, told = Writer(ledger, lambda: NOW), [], Told(8 * 20)

    def send(number: int) -> None:
        for round_ in range(20):
            ticket = Ticket(said(f"{round_}", f"{number}/{round_}"), told)
            tickets.append(ticket)
            writer.submit(ticket)
            writer.flush()

    in_threads([lambda number=number: send(number) for number in range(8)])
    told.wait()
    assert sum(ticket.accepted for ticket in tickets) == 20 + 8 * 20
    assert ledger.check() == []


def in_threads(calls: list[Callable[[], None]]) -> None:
    threads = [Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Hands:
    """A ledger with two writers, of which each commit waits until it is let go on."""

    writers = 2

    def __init__(self) -> None:
        self.commits = [(Event(), Event()) for _ in range(8)]
        self._rest = iter(self.commits)

    def append_group(self, batches, now):
        begun, free = next(self._rest)
        begun.set()
        assert free.wait(20)
        return [len(each.signals) for each in batches]


def test_a_hand_that_found_nothing_does_not_leave_what_came_meanwhile(monkeypatch):
    ledger = Hands()
    for _, free in ledger.commits[1:]:
        free.set()
    writer, told = Writer(ledger, lambda: NOW), Told(3)
    begin, late, empty, go_on = writer._write_all, Event(), Event(), Event()
    gathered, hands = writer._gathered, []

    def slow_to_begin() -> None:
        hands.append(0)
        assert len(hands) < 2 or late.wait(20)
        begin()

    def slow_to_end() -> list[Ticket]:
        found = gathered()
        if not found:
            empty.set()
            assert go_on.wait(20)
        return found

    monkeypatch.setattr(writer, "_write_all", slow_to_begin)
    monkeypatch.setattr(writer, "_gathered", slow_to_end)
    writer.submit(Ticket(said("1"), told))
    writer.flush()
    assert ledger.commits[0][0].wait(20)
    writer.submit(Ticket(said(*map(str, range(GROUP))), told))
    writer.flush()  # worth a second hand, and the first one takes it
    ledger.commits[0][1].set()
    assert ledger.commits[1][0].wait(20)
    late.set()
    assert empty.wait(20)
    writer.submit(Ticket(said("2"), told))
    assert not writer.ready  # so nobody asks for it to be written
    go_on.set()
    told.wait()


def test_who_is_not_told_of_a_commit_is_written_after_it_without_asking(ledger, monkeypatch):
    writer, told, others = Writer(ledger, lambda: NOW), Told(1), Told(1)
    append, begun, free = ledger.append_group, Event(), Event()

    def slow(batches, now):
        begun.set()
        assert free.wait(20)
        return append(batches, now)

    monkeypatch.setattr(ledger, "append_group", slow)
    writer.submit(Ticket(said("1"), told))
    writer.flush()
    assert begun.wait(20)
    writer.submit(Ticket(said("2"), others))
    free.set()
    told.wait()
    others.wait()


def test_where_no_thread_is_to_be_had_who_waits_hears_it_and_later_it_goes_on(ledger, monkeypatch):
    writer, told = Writer(ledger, lambda: NOW), Told(1)

    def refuse(_call):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(writer._threads, "submit", refuse)
        ticket = Ticket(said("1"), told)
        writer.submit(ticket)
        writer.flush()
    told.wait()
    assert isinstance(ticket.error, LedgerUnavailable)
    assert "can't start new thread" in str(ticket.error)
    _, (again,) = written(writer, said("1"))
    assert (again.accepted, again.error) == (1, None)


def test_what_is_on_the_disk_was_taken_whatever_becomes_of_the_figures(ledger):
    class Watch:
        def committing(self):
            return nullcontext()

        def took(self, source, kinds):
            raise OverflowError("no more figures")

    watching = Writer(ledger, lambda: NOW, watch=Watch())
    _, (good, bad, other) = written(watching, said("1"), said("2", job="nobody"), said("3"))
    assert (good.accepted, good.error, other.accepted, other.error) == (1, None, 1, None)
    assert isinstance(bad.error, UnknownJob)
