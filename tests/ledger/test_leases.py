from threading import Thread

import pytest

from verifier.ledger import expectations, postgresql
from verifier.ledger.errors import LeaseLost, LedgerUnavailable
from verifier.ledger.evaluations import Answered
from verifier.ledger.leases import NOBODY
from verifier.ledger.ledger import Ledger

NAME = "sweeps"


@pytest.fixture
def lease(ledger, build):
    return ledger.take_lease(NAME, "one", build.at("02:00"), None)


def test_of_those_that_see_it_free_one_takes_it(ledger, open_ledger, build):
    assert ledger.lease(NAME) is None
    taken = ledger.take_lease(NAME, "one", build.at("02:00"), None)
    assert (taken.holder, taken.token) == ("one", 1)
    other = open_ledger()
    assert other.take_lease(NAME, "two", build.at("02:00"), None) is None
    assert other.lease(NAME) == taken


def test_of_those_that_see_its_holder_gone_one_takes_it_over(ledger, lease, build):
    second = ledger.take_lease(NAME, "two", build.at("02:01"), lease)
    assert (second.holder, second.token, second.at) == ("two", 2, build.at("02:01"))
    assert ledger.take_lease(NAME, "three", build.at("02:01"), lease) is None
    assert ledger.lease(NAME) == second


def test_who_renews_it_meanwhile_keeps_it(ledger, lease, build):
    renewed = ledger.renew_lease(lease, build.at("02:00:05"))
    assert (renewed.token, renewed.beat, renewed.at) == (1, 1, build.at("02:00:05"))
    assert ledger.take_lease(NAME, "two", build.at("02:01"), lease) is None
    assert ledger.lease(NAME) == renewed


def test_who_lost_it_cannot_renew_it(ledger, lease, build):
    taken = ledger.take_lease(NAME, "two", build.at("02:01"), lease)
    assert ledger.renew_lease(lease, build.at("02:02")) is None
    assert ledger.lease(NAME) == taken


def test_what_is_given_back_is_nobodys_and_what_is_not_ones_own_stays(ledger, lease, build):
    ledger.give_back(lease)
    free = ledger.lease(NAME)
    assert free.holder == NOBODY
    taken = ledger.take_lease(NAME, "two", build.at("02:01"), free)
    ledger.give_back(lease)
    assert ledger.lease(NAME) == taken


def writes(ledger, build):
    """What the engine writes, each ready to be done on ``ledger``."""
    key = build.nightly
    silence = [build.signal("failed", "02:10")]
    looks = [build.evaluation(key, when, "none") for when in ("02:20", "02:30")]
    return [
        lambda: ledger.expect("nightly", [key.due], build.at("02:00")),
        lambda: ledger.judge([key], build.at("05:00")),
        lambda: ledger.append(silence, source="silence", received_at=build.at("02:10")),
        lambda: ledger.record_all(
            [Answered(key=key, evaluation=looks[0], last=None)], build.at("02:20")
        ),
        lambda: ledger.record(key, looks[1], build.at("02:30")),
    ]


TABLES = ("signals", "attempts", "runs", "evaluations", "revisions", "tallies", "cursors")


def test_who_lost_it_writes_nothing(ledger, told, build, rows, lease):
    told(build.signal("started", "02:00:01"))
    before = [rows(table) for table in TABLES]
    ledger.take_lease(NAME, "two", build.at("02:01"), lease)
    for write in writes(ledger.under(lease), build):
        with pytest.raises(LeaseLost, match="somebody else took sweeps over"):
            write()
    assert [rows(table) for table in TABLES] == before


def test_who_holds_it_writes_however_often_it_was_renewed(ledger, told, build, rows, lease):
    told(build.signal("started", "02:00:01"))
    ledger.renew_lease(lease, build.at("02:00:05"))
    for write in writes(ledger.under(lease), build):
        before = [rows(table) for table in TABLES]
        write()
        assert [rows(table) for table in TABLES] != before


def test_a_takeover_waits_for_what_is_being_written_and_a_renewal_does_not(postgres_url, build):
    url = postgres_url()
    with Ledger.open(url, build.declared) as ledger, Ledger.open(url, build.declared) as other:
        lease = ledger.take_lease(NAME, "one", build.at("02:00"), None)
        taken = []
        with ledger.under(lease)._transaction(build.at("02:00")):
            lease = other.renew_lease(lease, build.at("02:00:05"))
            thread = Thread(
                target=lambda: taken.append(other.take_lease(NAME, "two", build.at("02:01"), lease))
            )
            thread.start()
            thread.join(0.2)
            assert thread.is_alive()
        thread.join(5)
        assert [each.holder for each in taken] == ["two"]


@pytest.mark.slow
def test_a_holder_that_stands_still_in_the_middle_of_a_write_is_ended_by_the_server(
    postgres_url, build, monkeypatch
):
    monkeypatch.setattr(postgresql, "IDLE_SECONDS", 1)
    url = postgres_url()
    with Ledger.open(url, build.declared) as ledger, Ledger.open(url, build.declared) as other:
        ledger.declare("nightly", build.job(), {}, build.declared)
        lease = ledger.take_lease(NAME, "one", build.at("02:00"), None)

        def standing_still():
            with ledger.under(lease)._transaction(build.at("02:00")) as transaction:
                expectations.expect(transaction, {"nightly": [build.nightly.due]})
                assert other.take_lease(NAME, "two", build.at("02:01"), lease).holder == "two"

        with pytest.raises(LedgerUnavailable, match="cannot be used now"):
            standing_still()
        assert other.row(build.nightly) is None
