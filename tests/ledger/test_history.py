"""The history is read a page at a time, and all of it is of one snapshot."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from verifier.ledger import history
from verifier.ledger.history import Span


@pytest.fixture
def quarters(ledger, told, build, monkeypatch):
    """Ten runs of ``quarter``, from 01:00 on, on pages of three."""
    monkeypatch.setattr(history, "PAGE", 3)
    dues = [build.at("01:00") + timedelta(minutes=15) * number for number in range(10)]
    ledger.expect("quarter", dues, build.at("04:00"))
    told(build.signal("started", "01:15:30", job="quarter"), at="04:00")
    return dues


def read(ledger, build, **span):
    with ledger.history(Span(**span), build.at("05:00")) as found:
        return found.count, [story.facts.key for story in found.runs]


def test_runs_come_oldest_first_each_once(ledger, build, quarters, told):
    told.night()
    count, keys = read(ledger, build)
    assert count == len(keys) == 11
    dues = [key.due for key in keys]
    assert dues == sorted([*quarters, build.at("02:00")])


def test_a_span_takes_what_is_due_in_it(ledger, build, quarters, told):
    told.night()
    assert read(ledger, build, job="nightly") == (1, [build.nightly])
    since, until = build.at("01:30"), build.at("02:00")
    count, keys = read(ledger, build, since=since, until=until)
    assert (count, [key.due for key in keys]) == (2, [since, since + timedelta(minutes=15)])
    assert read(ledger, build, job="none") == (0, [])


def test_each_run_has_what_is_known_of_it(ledger, build, told):
    key, now = told.night(), build.at("05:00")
    for when in ("03:00", "03:00:20"):
        ledger.record(key, build.evaluation(key, when, "partial"), build.at(when))
    with ledger.history(Span(job="nightly"), now) as found:
        (story,) = found.runs
    facts, kept = story.facts, story.kept
    assert [story] == ledger.stories([key], now)
    assert facts == ledger.facts(key, now)
    assert len(facts.evaluations) == 3
    assert list(kept.revisions) == ledger.revisions(key)
    assert len(kept.revisions) > 1
    assert (facts.declared_at, kept.corrected_at) == (build.declared, None)
    assert kept.judged_at == ledger.row(key).judged_at


def test_what_others_write_meanwhile_is_not_seen(ledger, build, quarters, told):
    with ledger.history(Span(), build.at("05:00")) as found:
        first = next(found.runs)
        told(build.signal("started", "03:15:20", "late", job="quarter"), at="04:10")
        told.night()
        rest = list(found.runs)
    assert first.facts.key.due == quarters[0]
    assert len(rest) == 9
    assert rest[-1].facts.attempts == []
    assert len(ledger.attempts(rest[-1].facts.key)) == 1


def test_no_more_than_a_page_is_in_memory(ledger, build, quarters):
    pages = []

    def noted(_connection, _cursor, statement, *_):
        if "LIMIT" in statement and "ORDER BY runs.at, runs.run_id" in statement:
            pages.append(statement)

    engine = ledger._database._readers
    event.listen(engine, "before_cursor_execute", noted)
    try:
        with ledger.history(Span(), build.at("05:00")) as found:
            for _ in range(3):
                next(found.runs)
            assert len(pages) == 1
            next(found.runs)
            assert len(pages) == 2
    finally:
        event.remove(engine, "before_cursor_execute", noted)


def test_stories_come_as_asked_for_and_of_one_snapshot(ledger, build, quarters, told, monkeypatch):
    told.night()
    keys = [build.key("quarter", "01:30"), build.nightly, build.key("nightly", "+9 02:00")]
    now = build.at("05:00")
    snapshots = []
    read = ledger._database.read
    monkeypatch.setattr(
        ledger._database, "read", lambda **long: snapshots.append(1) or read(**long)
    )
    found = ledger.stories(keys * 2, now)
    assert [story.facts.key for story in found] == keys * 2
    assert len(snapshots) == 1
    assert found[1].kept.judged_at == build.at("02:10:10")
    assert (found[2].kept.judged_at, found[2].facts.attempts) == (None, [])
