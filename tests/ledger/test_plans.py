"""No query may read a whole table that grows with every run: SQLite says how it would look."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from verifier.ledger.listing import RunFilter
from verifier.runs.declaration import Covers, Every, Overlap
from verifier.runs.guard import Decision, Ruling
from verifier.runs.verdict import Verdict

GROWING = ("signals", "attempts", "runs", "evaluations", "revisions", "guard_decisions", "actions")
IN_ORDER = "SCAN runs USING INDEX runs_at"
"""A list of all runs reads them newest first, and stops at its limit."""


@pytest.fixture
def plans(ledger, path):
    """How each statement looks for its rows, by the statement."""
    found: dict[str, list[str]] = {}

    def explain(connection, _cursor, statement, parameters, _context, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")) and statement not in found:
            raw = connection.connection.dbapi_connection
            given = parameters[0] if many else parameters
            rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}", given).fetchall()
            found[statement] = [row[3] for row in rows]

    for engine in (ledger._database._writer, ledger._database._readers):
        event.listen(engine, "before_cursor_execute", explain)
    return found


def scans(plans):
    return {
        statement: step
        for statement, steps in plans.items()
        for step in steps
        if step.startswith(tuple(f"SCAN {table}" for table in GROWING)) and step != IN_ORDER
    }


def test_no_query_reads_a_whole_table(ledger, path, told, build, plans):
    now = build.at("03:00")
    merging = build.job(
        "m",
        Every(period=timedelta(minutes=15)),
        overlap=Overlap.COALESCE,
        covers=Covers.SAME_DAY,
        partition_name="tenant",
    )
    ledger.declare("m", merging, {}, build.declared)
    key = told.night()
    for attempt, partition in ((None, None), ("b", None), ("c", "de")):
        for kind, when in (("started", "02:00"), ("heartbeat", "02:01"), ("succeeded", "02:02")):
            told(build.signal(kind, when, attempt, job="m", partition=partition))
    told(build.signal("started", "01:45", attempt=None, job="m"), at="02:03")
    told(build.signal("skipped", "02:15", attempt=None, job="m"))
    merged = build.key("m", "02:00")
    ledger.record(merged, build.evaluation(merged, "02:03", "complete"), build.at("02:03"))
    ledger.act(build.action("skip", "02:10", key=key))
    ledger.act(build.action("mute", "02:10", until=now))
    ledger.grant(
        merged,
        lambda _: Ruling(Decision.REFUSE, "no"),
        build.signal("claimed", "02:04", attempt="g", job="m"),
        now=now,
    )
    ledger.blind("native", build.at("01:00"), now, now)
    ledger.judge([merged], now)
    ledger.facts(merged, now)
    of_run = (ledger.row, ledger.attempts, ledger.evaluations, ledger.revisions)
    for read in (*of_run, ledger.guard_decisions):
        read(merged)
    ledger.snapshot(now)
    ledger.verified_answers(merged, 20)
    for read in (
        ledger.last_useful,
        ledger.last_expected,
        ledger.documents,
    ):
        read("m")
    ledger.actions(job="m")
    ledger.actions(run_id=merged.run_id)
    ledger.awake(now, 10)
    ledger.next_wake()
    cursor = ledger.runs(RunFilter())[-1].cursor
    for wanted in (
        RunFilter(job="m", worker="w", limit=5),
        RunFilter(job="m", cursor=cursor),
        RunFilter(since=build.at("01:00"), until=now),
        RunFilter(job="m", verdict=Verdict.WRONG),
    ):
        ledger.runs(wanted)
    changed = build.job("m", Every(period=timedelta(minutes=5)))
    ledger.declare("m", changed, {}, build.at("02:20"))
    ledger.retire("m", now)
    assert len(plans) > 40
    assert scans(plans) == {}
