"""A ledger is copied whole and checked, or not at all, whichever kinds the two are."""

import sqlite3
from contextlib import closing, contextmanager

import pytest

from verifier.ledger import copy as copying
from verifier.ledger.address import database_at
from verifier.ledger.copy import copy
from verifier.ledger.errors import LedgerError, LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.ledger.schema import metadata
from verifier.runs.binding import RunKey
from verifier.runs.guard import Decision, Ruling


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def target(request, tmp_path):
    """The URL of a database that is not there yet, or has nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/target.db"
    return request.getfixturevalue("postgres_url")()


@pytest.fixture
def full(ledger, told, build):
    """A ledger that has something in every table."""
    told.night()
    told(
        build.signal("started", "+1 02:00:05", attempt=None, id="n1"),
        build.signal(
            "skipped", "+2 02:00", attempt=None, id="n2", reason="a 'quoted' \\ ünïcode ☃"
        ),
        build.signal("started", "+1 02:00:07", attempt="b", partition="north"),
    )
    ledger.act(build.action("hold", "03:00"))
    ledger.blind("native", build.at("04:00"), None, None)
    ledger.listening("native", build.at("05:00"))
    claim = build.signal("claimed", "+3 02:00", "g", due=build.at("+3 02:00"))
    key = build.key("nightly", "+3 02:00")
    ruling = Ruling(Decision.ALLOW, "first")
    assert ledger.grant(key, lambda _: ruling, claim, now=claim.at) == ruling
    return ledger


def copied(source: str, target: str, build) -> dict[str, int]:
    with closing(database_at(source)) as reading, closing(database_at(target)) as writing:
        return copy(reading, writing, build.declared)


def content(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    """What is in every table, as the program reads it."""
    with ledger._database.read() as connection:
        return {
            name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for name, table in metadata.tables.items()
        }


def test_all_of_it_is_there_and_goes_on_as_before(full, ledger_url, target, build):
    rows = copied(ledger_url, target, build)
    assert {name for name, number in rows.items() if not number} <= {"leases"}
    with Ledger.open(target, build.at("+9 00:00")) as other:
        assert other.ledger_id == full.ledger_id
        assert content(other) == content(full)
        assert {name: len(each) for name, each in content(full).items()} == rows
        assert other.check(build.at("+4 00:00")) == full.check(build.at("+4 00:00")) == []
        assert other.snapshot(build.at("+4 00:00")) == full.snapshot(build.at("+4 00:00"))
        # What comes next is numbered on, what was told already is known.
        known, new = build.signal("succeeded", "02:10"), build.signal("failed", "+1 03:00", "b")
        said = other.append([known, new], source="test", received_at=build.at("+4 00:00"))
        assert (said.accepted, said.duplicates) == (1, 1)
        other.declare("later", build.job("later"), {}, build.at("+4 00:00"))
        assert other.check() == []


def test_many_rows_come_piece_by_piece_and_are_counted(
    ledger, ledger_url, target, build, monkeypatch
):
    monkeypatch.setattr(copying, "AT_ONCE", 7)
    said = [build.signal("heartbeat", "02:00", id=f"b{number}") for number in range(60)]
    ledger.append(said, source="test", received_at=build.at("02:00"))
    told = []
    with closing(database_at(ledger_url)) as reading, closing(database_at(target)) as writing:
        rows = copy(reading, writing, build.declared, lambda *numbers: told.append(numbers))
    assert rows["signals"] == 60
    assert told[-1] == (sum(rows.values()), sum(rows.values()))
    assert len(told) > 9
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_target_that_holds_anything_is_refused_and_left_as_it_is(full, ledger_url, target, build):
    with Ledger.open(target, build.declared) as other:
        other.listening("native", build.at("05:00"))
        before = content(other)
        with pytest.raises(LedgerError, match=r"expected an empty ledger at .*found cursors in it"):
            copied(ledger_url, target, build)
        assert content(other) == before


def test_a_ledger_cannot_be_copied_onto_itself(full, ledger_url, build):
    before = content(full)
    with pytest.raises(LedgerError, match="expected an empty ledger"):
        copied(ledger_url, ledger_url, build)
    assert content(full) == before


def test_the_database_of_somebody_else_is_refused(full, ledger_url, tmp_path, build):
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE daily_revenue (day TEXT)")
    with pytest.raises(LedgerError, match="another database"):
        copied(ledger_url, f"sqlite:///{tmp_path}/other.db", build)


@contextmanager
def broken(monkeypatch, after: int):
    """The connection is lost after so many pieces."""
    insert, pieces = copying.insert_new, []

    def lost(*arguments):
        pieces.append(arguments)
        if len(pieces) > after:
            raise LedgerUnavailable("the connection is lost")
        return insert(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(copying, "insert_new", lost)
        yield


def test_a_copy_that_breaks_off_leaves_nothing_and_can_be_made_again(
    full, ledger_url, target, build, monkeypatch
):
    with broken(monkeypatch, 5), pytest.raises(LedgerUnavailable, match="is lost"):
        copied(ledger_url, target, build)
    with Ledger.open(target, build.declared) as other:
        assert other.runs(RunFilter()) == []
        assert other.ledger_id != full.ledger_id
    assert copied(ledger_url, target, build)["signals"] > 0


def test_what_arrives_changed_is_noticed_and_not_kept(full, ledger_url, target, build, monkeypatch):
    insert = copying.insert_new

    def altered(connection, table, columns, rows):
        if table.name == "signals":
            rows = [(*row[:-1], row[-1].replace("a1", "a2")) for row in rows]
        return insert(connection, table, columns, rows)

    monkeypatch.setattr(copying, "insert_new", altered)
    with pytest.raises(LedgerError, match=r"expected signals in .* found it changed by the way"):
        copied(ledger_url, target, build)
    with Ledger.open(target, build.declared) as other:
        assert other.runs(RunFilter()) == []


def test_what_is_missing_is_noticed(full, ledger_url, target, build, monkeypatch):
    insert = copying.insert_new
    monkeypatch.setattr(
        copying,
        "insert_new",
        lambda connection, table, columns, rows: insert(
            connection, table, columns, rows[:-1] if table.name == "tallies" else rows
        ),
    )
    with pytest.raises(LedgerError, match="expected tallies in"):
        copied(ledger_url, target, build)


def test_what_is_written_meanwhile_is_not_copied(full, ledger_url, target, build, told):
    written = []

    def tell(*_numbers):
        if not written:
            written.append(told(build.signal("started", "+5 02:00", attempt="late")))

    with closing(database_at(ledger_url)) as reading, closing(database_at(target)) as writing:
        copy(reading, writing, build.declared, tell)
    with Ledger.open(target, build.declared) as other:
        assert other.row(RunKey("nightly", "2026-04-08T02:00:00Z")) is None
        assert other.check() == []
    assert full.row(RunKey("nightly", "2026-04-08T02:00:00Z")) is not None
    assert written[0].accepted == 1
