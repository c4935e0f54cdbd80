"""Old signals are forgotten, and the same job and id is one signal all the same."""

from datetime import timedelta

import pytest

from verifier.ledger import prune_signals
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.signals import Batch


@pytest.fixture
def forget(ledger, build):
    """Forgets what was said before a time of the day, to the last page."""

    def prune(when: str) -> int:
        now, place, number = build.at("+9 00:00"), None, 0
        if not ledger.forget_signals(build.at(when), now):
            return 0
        while True:
            page = ledger.prune_signals(place, now)
            number += page.number
            place = page.place
            if place is None:
                return number

    return prune


@pytest.fixture
def ids(rows):
    return lambda: [row[2] for row in rows("signals")]


def test_what_was_said_before_goes_and_what_was_made_of_it_stays(
    ledger, told, build, forget, ids, rows
):
    told.night()
    told(build.signal("started", "+1 02:00", attempt="a2"))
    before = {table: rows(table) for table in ("attempts", "runs", "revisions", "evaluations")}
    figures = ledger.job_facts("nightly", build.at("+1 03:00"))
    assert forget("+1 00:00") == 2
    assert ids() == ["a2/started/+1 02:00"]
    assert {table: rows(table) for table in before} == before
    assert ledger.job_facts("nightly", build.at("+1 03:00")) == figures
    assert ledger.check() == []


def test_forgetting_again_forgets_nothing(told, build, forget):
    told.night()
    assert forget("+1 00:00") == 2
    assert forget("+1 00:00") == 0


def test_what_is_told_late_stays_until_it_has_been_kept_as_long(told, build, forget, ids):
    told(build.signal("started", "02:00"), at="+2 02:00")
    assert forget("+1 00:00") == 0
    assert forget("+3 00:00") == 1
    assert ids() == []


def test_what_lies_ahead_stays_though_it_came_before(told, build, forget, ids):
    told(build.signal("heartbeat", "+1 01:00"), at="02:00")
    assert forget("+1 00:00") == 0
    assert ids() == ["a1/heartbeat/+1 01:00"]


def test_a_signal_that_was_forgotten_is_not_taken_again(ledger, told, build, forget, rows):
    told.night()
    counted = rows("tallies")
    forget("+1 00:00")
    again = build.signal("succeeded", "02:10")
    with pytest.raises(LedgerUnavailable, match="just pruned"):
        told(again, at="+2 00:00")
    batch = Batch(signals=[again], source="test", received_at=build.at("+2 00:00"))
    with pytest.raises(LedgerUnavailable, match="just pruned"):
        ledger.append_group([batch], build.at("+2 00:00"))
    assert ledger.signals_from == build.at("+1 00:00")
    assert rows("tallies") == counted
    assert rows("signals") == []


def test_what_we_say_ourselves_of_long_ago_is_kept(ledger, told, build, forget):
    told(build.signal("started", "02:00"))
    forget("+1 00:00")
    loss = build.signal("lost", "03:00", id="silence/a1/2026-04-03T02:00:00+00:00")
    assert ledger.append([loss], source="silence", received_at=build.at("+2 00:00")).accepted == 1
    (attempt,) = ledger.attempts(build.nightly)
    assert attempt.inferred is not None
    assert ledger.check() == []


def test_what_is_kept_longer_than_before_is_still_taken_from_where_it_was_forgotten(
    ledger, told, build, forget
):
    told.night()
    forget("+1 00:00")
    assert ledger.forget_signals(build.at("01:00"), build.at("+9 00:00")) is False
    told(build.signal("started", "+1 02:00", attempt="a2"))
    forget("02:00")
    with pytest.raises(LedgerUnavailable, match="just pruned"):
        told(build.signal("succeeded", "02:10"), at="+2 00:00")


def test_from_when_on_signals_are_kept_never_moves_back(ledger, told, build, forget):
    told(build.signal("started", "02:00", attempt=None, id="stays"))
    forget("+1 00:00")
    forget("12:00")
    assert ledger.signals_from == build.at("+1 00:00")


def test_a_ledger_of_young_signals_takes_old_ones(ledger, told, build, forget):
    assert forget("+1 00:00") == 0
    told(build.signal("started", "02:00"), at="+3 00:00")
    assert forget("+1 00:00") == 0
    assert ledger.signals_from is None
    assert told(build.signal("succeeded", "02:10"), at="+3 00:00").accepted == 1


def test_another_process_learns_from_when_on_signals_are_taken(
    open_ledger, ledger, told, build, forget
):
    other = open_ledger()
    told.night()
    forget("+1 00:00")
    assert other.signals_from is None
    young = build.signal("started", "+1 02:00", attempt="a2")
    other.append([young], source="test", received_at=young.at)
    assert other.signals_from == build.at("+1 00:00")
    assert open_ledger().signals_from == build.at("+1 00:00")


def test_many_pages_are_forgotten_and_counting_before_tells_how_much(
    ledger, told, build, forget, ids, monkeypatch
):
    monkeypatch.setattr(prune_signals, "PAGE", 7)
    start = build.at("02:00")
    for number in range(50):
        beat = build.signal("heartbeat", "02:00", id=f"b{number}")
        ledger.append([beat], source="test", received_at=start + timedelta(minutes=number))
    before, place, found = start + timedelta(minutes=30), None, 0
    while True:
        page = ledger.old_signals(before, place)
        found += page.number
        place = page.place
        if place is None:
            break
    assert len(ids()) == 50
    assert forget("02:30") == found == 30
    assert ids() == [f"b{number}" for number in range(30, 50)]


class TestOfNoAttempt:
    """A signal that names no attempt belongs to what the last start before it opened."""

    def say(self, told, build, kind, when):
        told(build.signal(kind, when, attempt=None, id=f"{kind}/{when}"))

    def test_the_last_start_stays_and_what_it_opened(self, ledger, told, build, forget, ids):
        for day in ("", "+1 ", "+2 "):
            self.say(told, build, "started", f"{day}02:00:05")
            self.say(told, build, "succeeded", f"{day}02:10")
        assert forget("+2 00:00") == 2
        assert ids() == ["started/+1 02:00:05", "succeeded/+1 02:10",
                         "started/+2 02:00:05", "succeeded/+2 02:10"]  # fmt: skip
        assert ledger.check() == []

    def test_an_end_that_comes_when_its_start_is_old_is_of_the_run_it_began(
        self, ledger, told, build, forget
    ):
        self.say(told, build, "started", "02:00:05")
        assert forget("+1 04:00") == 0
        # It took more than a day, and its own slot would be that of the next night.
        self.say(told, build, "succeeded", "+1 05:00")
        (attempt,) = ledger.attempts(build.nightly)
        assert (attempt.started, attempt.ends[0].at) == (build.at("02:00:05"), build.at("+1 05:00"))
        assert ledger.check() == []

    def test_what_still_goes_on_stays_whole(self, ledger, told, build, forget, ids):
        self.say(told, build, "started", "02:00:05")
        self.say(told, build, "heartbeat", "23:00")
        self.say(told, build, "heartbeat", "+1 01:00")
        self.say(told, build, "started", "+1 02:00:05")
        assert forget("+1 00:00") == 0
        assert forget("+1 01:30") == 0
        assert forget("+1 03:00") == 3
        assert ids() == ["started/+1 02:00:05"]
        assert ledger.check() == []

    def test_each_partition_has_its_own_last_start(self, ledger, told, build, forget, ids):
        for partition in ("north", "south"):
            for when in ("02:00", "03:00"):
                told(
                    build.signal("started", when, attempt=None, partition=partition,
                                 id=f"{partition}/{when}")
                )  # fmt: skip
        told(build.signal("started", "+1 02:00", attempt=None, partition="north", id="north/+1"))
        assert forget("+1 03:00") == 2
        assert sorted(ids()) == ["north/+1", "south/02:00", "south/03:00"]


def test_a_log_that_lost_something_young_does_not_agree(ledger, told, build, forget):
    told.night()
    told(build.signal("started", "+1 02:00", attempt="a2"))
    forget("+1 00:00")
    with ledger._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM signals")
    assert ledger.check() == ["nightly: attempt 'a2' is not what its signals say"]
