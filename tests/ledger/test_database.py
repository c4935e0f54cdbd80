from threading import Event, Thread

import pytest

from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.listing import RunFilter


def test_readers_see_what_was_committed_and_do_not_wait_for_a_write_under_way(ledger, told, build):
    written, read = Event(), Event()

    def write() -> None:
        with ledger._database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET verdict = 'wrong'")
            written.set()
            read.wait(10)

    key = told.night()
    writer = Thread(target=write)
    writer.start()
    written.wait(10)
    try:
        seen = [ledger.row(key), *ledger.runs(RunFilter())]
        facts = ledger.facts(key, build.at("03:00"))
    finally:
        read.set()
        writer.join()
    assert {row.verdict for row in seen} == {"verified"}
    assert len(facts.evaluations) == 1
    assert ledger.row(key).verdict == "wrong"


def test_a_reader_keeps_its_snapshot_while_others_write(ledger, told, build):
    told.night()
    with ledger._database.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM signals").scalar()
        told(build.signal("started", "+1 02:00", attempt="a2"))
        after = connection.exec_driver_sql("SELECT count(*) FROM signals").scalar()
    assert before == after == 2
    assert len(ledger.runs(RunFilter())) == 2


def test_readers_cannot_write(ledger):
    with (
        pytest.raises(LedgerUnavailable, match=r"read-?only"),
        ledger._database.read() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM signals")


def test_what_raises_within_a_write_leaves_nothing(ledger, told, build, rows):
    told.night()
    before = {table: rows(table) for table in ("signals", "attempts", "runs", "tallies")}

    def half_done() -> None:
        with ledger._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM signals")
            connection.exec_driver_sql("UPDATE runs SET verdict = NULL")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        half_done()
    assert {table: rows(table) for table in before} == before
    assert told(build.signal("started", "+1 02:00", attempt="a2")).accepted == 1
