"""Writing many rows at once, on either kind of ledger."""

from datetime import timedelta

import msgspec
import pytest

from verifier.ledger import runs as run_rows
from verifier.ledger.bulk import replace_all
from verifier.ledger.errors import Conflict
from verifier.ledger.listing import RunFilter
from verifier.ledger.schema import cursors

QUARTER = timedelta(minutes=15)


def test_of_many_changes_those_of_runs_that_were_changed_meanwhile_are_refused_one_by_one(
    ledger, build
):
    dues = [build.at("02:00") + number * QUARTER for number in range(200)]
    ledger.expect("quarter", dues, build.at("02:00"))
    read = ledger.runs(RunFilter(limit=200))
    stale = {row.key for row in read[::7]}
    with ledger._database.write() as connection:
        others = [
            (row, msgspec.structs.replace(row, evaluation_id="theirs"))
            for row in read
            if row.key in stale
        ]
        assert run_rows.change(connection, others) == len(stale)
    with ledger._database.write() as connection:
        ours = [(row, msgspec.structs.replace(row, evaluation_id="ours")) for row in read]
        assert run_rows.change(connection, ours) == 200 - len(stale)
    assert {
        row.key for row in ledger.runs(RunFilter(limit=200)) if row.evaluation_id == "theirs"
    } == stale
    assert {row.revision for row in ledger.runs(RunFilter(limit=200))} == {read[0].revision + 1}


def test_of_a_judgement_that_is_refused_nothing_is_kept(ledger, told, build, rows, monkeypatch):
    """No row lock keeps anybody out here."""
    key = told.night(verified=False)
    real = run_rows.lock

    def slept(connection, keys):
        """Read, and then not hear that somebody else judged it."""
        return [
            msgspec.structs.replace(row, revision=row.revision - 1)
            for row in real(connection, keys)
        ]

    tables = ("runs", "revisions", "tallies", "evaluations")
    before = {table: rows(table) for table in tables}
    with monkeypatch.context() as broken:
        broken.setattr(run_rows, "lock", slept)
        with pytest.raises(Conflict):
            ledger.record(key, build.evaluation(key, "02:10:10", "complete"), build.at("02:10:10"))
    assert {table: rows(table) for table in tables} == before


def test_what_a_run_was_and_became_comes_back_as_it_was_written(ledger, told, build):
    key = told.night()
    row = ledger.row(key)
    with ledger._database.write() as connection:
        assert run_rows.change(connection, [(row, row)]) == 1
    assert ledger.row(key) == msgspec.structs.replace(row, revision=row.revision + 1)


def test_rows_that_are_known_are_replaced_and_others_inserted(ledger):
    with ledger._database.write() as connection:
        columns = ("name", "position")
        replace_all(connection, cursors, columns, [("a", "1"), ("b", "2")])
        replace_all(connection, cursors, columns, [("b", "3"), ("c", "4")])
    assert [ledger.cursor(name) for name in "abc"] == ["1", "3", "4"]
