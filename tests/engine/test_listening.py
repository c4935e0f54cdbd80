"""Blind windows of the native source, with one process or several on one ledger."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from verifier.engine.listening import GAP, NATIVE, nobody_listens, own_up, still_here
from verifier.ledger.ledger import Ledger
from verifier.ledger.windows import BlindWindow
from verifier.runs.declaration import Declaration, Every

START = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GRACE = timedelta(minutes=1)


@pytest.fixture
def replicas(ledger_url: str) -> Iterator[list[Ledger]]:
    with ExitStack() as closing:
        yield [closing.enter_context(Ledger.open(ledger_url, START)) for _ in range(2)]


def at(second: float) -> datetime:
    return START + second * SECOND


def test_a_replica_that_is_down_while_another_listens_leaves_no_window(
    replicas: list[Ledger],
) -> None:
    one, other = replicas
    still_here(one, at(0), GRACE)
    for second in range(0, 300, 10):
        assert not still_here(other, at(second), GRACE)
    assert not still_here(one, at(300), GRACE)
    assert not own_up(one, at(301), GRACE)
    assert one.windows() == []


def test_a_time_when_nobody_listened_is_one_window_whoever_comes_back_first(
    replicas: list[Ledger],
) -> None:
    for each in replicas:
        still_here(each, at(0), GRACE)
    assert [still_here(each, at(600), GRACE) for each in replicas] == [True, False]
    assert [still_here(each, at(605), GRACE) for each in replicas] == [False, False]
    assert replicas[0].windows() == [BlindWindow(NATIVE, at(0), at(600), at(600) + GRACE)]
    (tally,) = replicas[0].tallies("landed_blind_seconds_total")
    assert tally.value == 600


def test_a_replica_whose_clock_is_behind_takes_back_no_sign_of_life(replicas: list[Ledger]) -> None:
    one, other = replicas
    for second in range(0, 120, 5):
        assert not still_here(one, at(second), GRACE)
        assert not still_here(other, at(second - 40), GRACE)
    assert one.last_listening(NATIVE) == at(115)
    assert one.windows() == []


def test_before_silence_is_judged_a_suspended_host_owns_up(replicas: list[Ledger]) -> None:
    ledger = replicas[0]
    still_here(ledger, at(0), GRACE)
    assert not own_up(ledger, at(4), GRACE)
    assert ledger.last_listening(NATIVE) == at(0)
    assert own_up(ledger, at(3000), GRACE)
    assert [(each.since, each.until) for each in ledger.windows()] == [(at(0), at(3000))]


def test_a_window_that_a_command_left_open_is_closed_by_whoever_listens_next(
    replicas: list[Ledger],
) -> None:
    serving, command = replicas
    still_here(serving, at(0), GRACE)
    assert nobody_listens(command, at(10)) is None
    # The command's clock is ahead, so to it the sign of life is old.
    assert nobody_listens(command, at(GAP.seconds + 1)) == at(0)
    assert [each.until for each in serving.windows()] == [None]
    assert still_here(serving, at(5), GRACE)
    assert serving.windows() == [BlindWindow(NATIVE, at(0), at(5), at(5) + GRACE)]
    assert not still_here(serving, at(10), GRACE)


def test_a_command_is_no_listener(replicas: list[Ledger]) -> None:
    ledger = replicas[0]
    for second in (0, 60, 120):
        assert nobody_listens(ledger, at(second)) == at(0)
    assert ledger.last_listening(NATIVE) is None
    assert ledger.windows() == [BlindWindow(NATIVE, at(0), None, None)]


def expect_a_run_every_hour(ledger: Ledger, since: datetime) -> None:
    hour = timedelta(hours=1)
    declaration = Declaration(
        job="hourly",
        schedule=Every(period=hour),
        surfaces=(),
        finish_within=hour,
        verified_within=hour,
        zombie_grace=hour,
        since=since,
    )
    ledger.declare("hourly", declaration, {"schedule": {"every": "1h"}}, START)


def test_a_ledger_that_nobody_ever_served_was_heard_of_never(replicas: list[Ledger]) -> None:
    ledger = replicas[0]
    expect_a_run_every_hour(ledger, at(-3600))
    for second in (0, 60):
        assert nobody_listens(ledger, at(second)) == at(-3600)
    assert ledger.windows() == [BlindWindow(NATIVE, at(-3600), None, None)]
    assert still_here(ledger, at(100), GRACE)
    assert nobody_listens(ledger, at(101)) is None
    assert ledger.windows() == [BlindWindow(NATIVE, at(-3600), at(100), at(100) + GRACE)]


def test_spools_have_their_chance_before_the_first_silence_counts(replicas: list[Ledger]) -> None:
    expect_a_run_every_hour(replicas[0], at(-3600))
    assert [still_here(each, at(0), GRACE) for each in replicas] == [True, False]
    assert not still_here(replicas[0], at(5), GRACE)
    assert replicas[0].windows() == [BlindWindow(NATIVE, at(-3600), at(0), at(0) + GRACE)]


def test_who_listens_from_the_first_expectation_on_was_never_away(replicas: list[Ledger]) -> None:
    expect_a_run_every_hour(replicas[0], at(3600))
    assert not still_here(replicas[0], at(0), GRACE)
    assert replicas[0].windows() == []
