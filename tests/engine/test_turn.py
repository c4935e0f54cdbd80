"""Whose turn it is, with clocks that are set by hand; seconds are told from the first tick."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from verifier.engine.turn import BEHIND, LENGTH, SWEEPS, Turn
from verifier.ledger.ledger import Ledger

START = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class Replica:
    """One process: its own connections, and a clock that is ``ahead``."""

    def __init__(self, ledger: Ledger, name: str, ahead: timedelta) -> None:
        self.ledger = ledger
        self.turn = Turn(ledger, name)
        self.ahead = ahead

    def has_it(self, second: float) -> bool:
        return self.turn.lease(self.at(second)) is not None

    def at(self, second: float) -> datetime:
        return START + self.ahead + second * SECOND


@pytest.fixture
def replica(postgres_url: Callable[[], str]) -> Iterator[Any]:
    url = postgres_url()
    with ExitStack() as closing:

        def start(name: str, ahead: timedelta = 0 * SECOND) -> Replica:
            return Replica(closing.enter_context(Ledger.open(url, START)), name, ahead)

        yield start


def test_one_of_several_has_it_for_as_long_as_it_is_there(replica: Any) -> None:
    replicas = [replica(name) for name in "abc"]
    had = {tuple(each.has_it(second) for each in replicas) for second in range(120)}
    assert had == {(True, False, False)}


@pytest.mark.parametrize("ahead", [-HOUR, -30 * SECOND, 0 * SECOND, 30 * SECOND, HOUR])
def test_when_its_holder_is_gone_another_has_it_a_lease_later_whatever_the_clocks_show(
    replica: Any, ahead: timedelta
) -> None:
    first, second = replica("a"), replica("b", ahead)
    assert [each.has_it(second_) for second_ in range(30) for each in (first, second)] == [
        True,
        False,
    ] * 30
    waited = next(more for more in range(60) if second.has_it(30 + more))
    assert LENGTH / 2 < waited * SECOND <= LENGTH


def test_who_was_away_for_longer_has_lost_it(replica: Any) -> None:
    first, second = replica("a"), replica("b")
    assert first.has_it(0)
    assert not second.has_it(1)
    assert second.has_it(1 + LENGTH.seconds)
    with structlog.testing.capture_logs() as logs:
        assert not first.has_it(20)
    assert [each["event"] for each in logs] == ["lease_lost"]
    assert second.has_it(21)
    assert not first.has_it(22)


def test_who_was_away_and_was_not_replaced_goes_on(replica: Any) -> None:
    first = replica("a")
    assert first.has_it(0)
    assert first.has_it(10_000)
    assert first.ledger.lease(SWEEPS).token == 1


def test_what_is_given_back_is_had_at_once(replica: Any) -> None:
    first, second = replica("a"), replica("b")
    assert first.has_it(0)
    assert not second.has_it(1)
    first.turn.give_back()
    assert second.has_it(2)
    assert not first.has_it(2)


def test_sweeps_do_not_go_back_in_time_where_the_next_clock_is_a_little_behind(
    replica: Any,
) -> None:
    first, second, third = replica("a"), replica("b", -30 * SECOND), replica("c", -3 * BEHIND)
    assert first.has_it(0)
    first.turn.give_back()
    lease = second.turn.lease(second.at(1))
    assert lease.at == first.at(0)
    assert second.turn.lease(second.at(40)).at == second.at(40)
    second.turn.give_back()
    assert third.turn.lease(third.at(41)).at == third.at(41)


def test_a_clock_that_is_set_back_costs_nobody_his_turn(replica: Any) -> None:
    first = replica("a")
    assert first.has_it(0)
    assert first.has_it(-3600)
    assert first.ledger.lease(SWEEPS).at == first.at(-3600)


def test_clocks_that_differ_are_told_of(replica: Any) -> None:
    first, second, third = replica("a"), replica("b", -20 * SECOND), replica("c", 2 * SECOND)
    with structlog.testing.capture_logs() as logs:
        for moment in range(0, 12, 6):
            assert [each.has_it(moment) for each in (first, second, third)] == [True, False, False]
    told = [each for each in logs if each["event"] == "clocks_differ"]
    assert [each["seconds"] for each in told] == [20]


def test_a_ledger_of_one_process_is_its_own_at_once(tmp_path: Any) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/landed.db", START) as ledger:
        killed, next_one = Replica(ledger, "a", 0 * SECOND), Replica(ledger, "b", 0 * SECOND)
        assert killed.has_it(0)
        assert next_one.has_it(1)
        assert not killed.has_it(9)
