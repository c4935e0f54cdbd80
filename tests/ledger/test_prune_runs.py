"""Old runs are forgotten with all that was made of them; no figure changes."""

from threading import Barrier, Thread

import msgspec
import pytest

from verifier.ledger import prune_runs
from verifier.ledger.listing import RunFilter
from verifier.runs.standing import standing

CHILDREN = ("attempts", "evaluations", "revisions")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(prune_runs, "NEWEST", 2)
    monkeypatch.setattr(prune_runs, "PAGE", 3)


@pytest.fixture
def forget(ledger, build):
    """Forgets runs of which nothing is as young as a time; how many."""

    def prune(when: str) -> int:
        before, now, place, number = build.at(when), build.at("+99 00:00"), None, 0
        while True:
            foreseen = ledger.old_runs(before, place)
            page = ledger.prune_runs(before, place, now)
            assert foreseen.number == page.number
            number += page.number
            place = page.place
            if place is None:
                return number

    return prune


@pytest.fixture
def night(ledger, told, build):
    """A night of ``nightly``, so many days after the first, and what its check answered."""

    def play(day: int, word: str = "complete") -> None:
        at = f"+{day}"
        key = build.key("nightly", f"{at} 02:00")
        ledger.expect("nightly", [build.at(f"{at} 02:00")], build.at(f"{at} 02:00"))
        told(
            build.signal("started", f"{at} 02:00:01", f"a{day}"),
            build.signal("succeeded", f"{at} 02:10", f"a{day}"),
        )
        for when in (f"{at} 02:10:10", f"{at} 02:10:30"):
            ledger.record(key, build.evaluation(key, when, word, expected=3), build.at(when))

    return play


@pytest.fixture
def days(ledger, build):
    """Which days after the first are known still."""
    return lambda: sorted((row.at - build.at("02:00")).days for row in ledger.runs(RunFilter()))


def figures_of(ledger, build):
    """All but the recent runtimes, of which the ledger of these tests keeps too few."""
    return msgspec.structs.replace(ledger.job_facts("nightly", build.at("+8 00:00")), ratios=[])


def test_closed_runs_go_with_all_that_was_made_of_them(ledger, build, night, forget, days, rows):
    for day in range(8):
        night(day)
    tallies, changes = rows("tallies"), dict(rows("changes"))
    figures = figures_of(ledger, build)
    last = ledger.all_last_expected()
    assert forget("+5 00:00") == 5
    assert days() == [5, 6, 7]
    assert len(rows("attempts")) == 3
    assert len(rows("evaluations")) == 6
    assert {row[0] for row in rows("revisions")} == {row.run_id for row in ledger.runs(RunFilter())}
    assert rows("tallies") == tallies
    assert figures_of(ledger, build) == figures
    assert ledger.all_last_expected() == last
    assert ledger.runs_from() == build.at("+5 00:00")
    assert dict(rows("changes"))["nightly"] > changes["nightly"]


def test_the_newest_runs_of_a_job_stay_whatever_their_age(night, forget, days):
    for day in range(4):
        night(day)
    assert forget("+90 00:00") == 2
    assert days() == [2, 3]
    assert forget("+90 00:00") == 0


def test_the_newest_useful_run_stays_and_what_waits_for_a_person(
    ledger, build, night, forget, days
):
    night(0, "partial")
    night(1)
    night(2)
    for day in range(3, 7):
        night(day, "none")
    assert {row.verdict for row in ledger.runs(RunFilter())} == {"partial", "verified", "absent"}
    useful = ledger.last_useful("nightly")
    assert forget("+90 00:00") == 1
    assert days() == [0, 2, 3, 4, 5, 6]
    assert ledger.last_useful("nightly") == useful
    key = build.key("nightly", "02:00")
    now = build.at("+7 00:00")
    evidence = standing(ledger.facts(key, now), now).finding.digest
    ledger.act(build.action("reconcile", "+7 00:00", key=key, evidence=evidence))
    assert forget("+7 00:00") == 0
    assert forget("+90 00:00") == 1
    assert days() == [2, 3, 4, 5, 6]
    assert ledger.actions(run_id=key.run_id) == []


def test_a_run_that_is_old_and_was_tried_again_lately_stays(ledger, told, build, night, forget):
    for day in range(5):
        night(day)
    again = build.at("02:00")
    told(
        build.signal("started", "+20 05:00", "b", lane="backfill", due=again),
        build.signal("succeeded", "+20 05:10", "b", due=again),
    )
    assert forget("+20 05:00") == 2
    assert ledger.row(build.nightly) is not None
    assert len(ledger.attempts(build.nightly)) == 2


def test_a_run_that_was_asked_lately_stays(ledger, build, night, forget):
    for day in range(5):
        night(day)
    look = build.evaluation(build.nightly, "+30 00:00", "complete", cause="asked")
    ledger.record(build.nightly, look, build.at("+30 00:00"))
    assert forget("+29 00:00") == 2
    assert len(ledger.evaluations(build.nightly)) == 3


def test_a_run_of_the_whole_job_stays_as_long_as_one_of_its_partitions(
    ledger, told, build, night, forget
):
    for day in range(5):
        night(day)
    part = build.key("nightly", "02:00", "north")
    answer = build.evaluation(part, "02:20", "partial")
    ledger.record(part, answer, build.at("02:20"))
    ledger.judge([part], build.at("02:21"))
    assert forget("+90 00:00") == 2
    assert ledger.row(build.nightly) is not None


def test_the_newest_occurrences_stay_with_all_their_partitions(ledger, build, night, forget):
    parts = []
    for day in range(4):
        night(day)
        part = build.key("nightly", f"+{day} 02:00", "north")
        for when in (f"+{day} 02:20", f"+{day} 02:20:30"):
            ledger.record(part, build.evaluation(part, when, "complete"), build.at(when))
        parts.append(part)
    assert forget("+90 00:00") == 2
    assert forget("+90 00:00") == 2  # those of the whole job, once their partitions are gone
    assert [ledger.row(part) is not None for part in parts] == [False, False, True, True]
    assert len(ledger.runs(RunFilter())) == 4


def test_what_is_left_agrees(ledger, told, build, night, forget):
    for day in range(8):
        night(day)
    told(build.signal("skipped", "+1 12:00", attempt=None, due=build.at("+1 02:00")))
    for day in (8, 9):
        told(build.signal("started", f"+{day} 02:00:05", attempt=None, id=f"n{day}"))
    now = build.at("+10 00:00")
    ledger.forget_signals(build.at("+6 00:00"), now)
    ledger.prune_signals(None, now)
    assert forget("+5 00:00") > 0
    assert ledger.check() == []


def test_what_is_heard_of_a_forgotten_run_while_it_is_forgotten_is_kept(
    ledger, open_ledger, build, night
):
    """Two that prune, and one that tells of the same old runs at the same time."""
    for day in range(12):
        night(day)
    other, all_, errors = open_ledger(), Barrier(3), []
    before, now = build.at("+9 00:00"), build.at("+99 00:00")

    def prune(one) -> None:
        all_.wait(10)
        place = None
        while True:
            place = one.prune_runs(before, place, now).place
            if place is None:
                return

    def tell() -> None:
        all_.wait(10)
        for day in range(9):
            said = build.signal("started", "+50 00:00", f"late{day}", id=f"late{day}",
                                lane="backfill", due=build.at(f"+{day} 02:00"))  # fmt: skip
            other.append([said], source="test", received_at=said.at)

    def noted(work, *arguments) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            errors.append(error)

    threads = [
        Thread(target=noted, args=(prune, ledger)),
        Thread(target=noted, args=(prune, other)),
        Thread(target=noted, args=(tell,)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for day in range(9):
        key = build.key("nightly", f"+{day} 02:00")
        assert f"late{day}" in {each.attempt for each in ledger.attempts(key)}
        assert ledger.row(key) is not None
