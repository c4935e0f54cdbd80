"""Readers never wait for the writer, nor the writer for them, on either kind of ledger."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from sqlalchemy import text

from verifier.ledger import database
from verifier.ledger.history import Span
from verifier.ledger.listing import RunFilter

READS: dict[str, Callable] = {
    "runs": lambda ledger, build: [row.verdict for row in ledger.runs(RunFilter())],
    "row": lambda ledger, build: ledger.row(build.nightly),
    "facts": lambda ledger, build: ledger.facts(build.nightly, build.at("03:00")),
    "job_facts": lambda ledger, build: ledger.job_facts("nightly", build.at("03:00")),
    "snapshot": lambda ledger, build: ledger.snapshot(build.at("03:00")),
    "verified_answers": lambda ledger, build: ledger.verified_answers(build.nightly, 20),
    "attempts": lambda ledger, build: ledger.attempts(build.nightly),
    "evaluations": lambda ledger, build: ledger.evaluations(build.nightly),
    "revisions": lambda ledger, build: ledger.revisions(build.nightly),
    "actions": lambda ledger, build: ledger.actions("nightly"),
    "awake": lambda ledger, build: ledger.awake(build.at("03:00"), 100),
    "tallies": lambda ledger, build: ledger.tallies(),
    "windows": lambda ledger, build: ledger.windows(),
    "documents": lambda ledger, build: ledger.documents("nightly"),
    "histories": lambda ledger, build: dict(ledger.histories()),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Who would wait for anybody gives up at once."""
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 1)


@contextmanager
def long_write(ledger) -> Iterator[None]:
    """Another thread is in the middle of a write that changes every table that is read."""
    begun, over, errors = Event(), Event(), []

    def write() -> None:
        try:
            with ledger._database.write() as connection:
                for table in ("runs", "attempts", "evaluations", "revisions", "tallies"):
                    connection.execute(text(f"DELETE FROM {table}"))
                begun.set()
                assert over.wait(30)
                connection.rollback()
        except BaseException as error:
            errors.append(error)
            begun.set()

    writer = Thread(target=write)
    writer.start()
    assert begun.wait(30)
    try:
        yield
    finally:
        over.set()
        writer.join()
    assert errors == []


def test_every_read_is_answered_within_a_long_write_and_sees_none_of_it(ledger, told, build):
    told.night()
    ledger.act(build.action("hold", "02:30"))
    before = {name: read(ledger, build) for name, read in READS.items()}
    with long_write(ledger):
        began = time.monotonic()
        within = {name: read(ledger, build) for name, read in READS.items()}
        took = time.monotonic() - began
    assert within == before
    assert took < len(READS) * database.PATIENCE_SECONDS / 2


def test_the_writer_commits_within_a_long_read_that_sees_none_of_it(ledger, told, build):
    told.night()
    with ledger.history(Span(), build.at("+1 00:00")) as history:
        first = next(history.runs).facts
        for number in range(30):
            said = build.signal("heartbeat", "02:05", f"b{number}")
            assert told(said).accepted == 1
        ledger.expect("quarter", [build.at("03:00")], build.at("03:00"))
        assert ledger.act(build.action("skip", "03:00", key=build.nightly))
        rest = list(history.runs)
    assert first.actions == []
    assert (history.count, rest) == (1, [])
    assert len(ledger.runs(RunFilter())) == 2
    assert len(ledger.attempts(build.nightly)) == 31


def test_what_was_read_by_many_at_once_holds_up_no_writer(ledger, told, build):
    told.night()
    with contextmanager(all_reading)(ledger):
        assert told(build.signal("started", "03:00", "c")).accepted == 1


def all_reading(ledger) -> Iterator[None]:
    """Every reader but one is in the middle of a read."""
    over, threads = Event(), []

    def read(begun: Event) -> None:
        with ledger._database.read() as connection:
            connection.execute(text("SELECT count(*) FROM runs"))
            begun.set()
            over.wait(30)

    for _ in range(database.READERS - 1):
        begun = Event()
        threads.append(Thread(target=read, args=(begun,)))
        threads[-1].start()
        assert begun.wait(30)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
