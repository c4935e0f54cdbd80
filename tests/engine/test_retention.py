"""What is old is forgotten from time to time, a moment at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from verifier.config.file import Retention
from verifier.engine import retention
from verifier.engine.clock import Stopping
from verifier.engine.retention import Keeper, Pruned, find_old, prune
from verifier.ledger import prune_runs, prune_signals
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.listing import RunFilter

DAY = timedelta(days=1)


@pytest.fixture
def path(tmp_path):
    """The file of the ledger: what is done to either kind is tested beside it."""
    return tmp_path / "landed.db"


@pytest.fixture
def old(path, world, monkeypatch):
    """A world in which five nights were verified, and four months have passed."""
    monkeypatch.setattr(prune_runs, "NEWEST", 2)
    monkeypatch.setattr(prune_runs, "PAGE", 1)
    monkeypatch.setattr(prune_signals, "PAGE", 2)
    dues = [world.now.replace(hour=2) + DAY * day for day in range(1, 6)]
    for number, due in enumerate(dues):
        world.ledger.expect("revenue", [due], due)
        world.now = due
        world.signal("started", due, f"a{number}")
        world.write(str(due.date() - DAY), [f"R{n:02}" for n in range(10)])
        world.now = due + timedelta(minutes=10)
        world.signal("succeeded", world.now, f"a{number}")
        world.tick_to(world.now + timedelta(seconds=30), every=timedelta(seconds=15))
    world.now += 120 * DAY
    return world


@pytest.fixture
def keep(old):
    """Has the configuration keep signals and runs for so many days."""

    def keep(signals: int, runs: int) -> Retention:
        kept = Retention(signals=f"{signals}d", runs=f"{runs}d")
        object.__setattr__(old.fleet.config, "retention", kept)
        return kept

    return keep


def total(steps) -> Pruned:
    return sum(steps, Pruned())


def test_signals_go_first_and_runs_stay_as_long_as_declared(old, keep):
    assert {row.verdict for row in old.ledger.runs(RunFilter())} == {"verified"}
    kept = keep(35, 400)
    assert total(find_old(old.ledger, kept, old.now)) == Pruned(signals=10)
    assert total(prune(old.ledger, kept, old.now)) == Pruned(signals=10)
    assert total(prune(old.ledger, kept, old.now)) == Pruned()
    kept = keep(35, 100)
    assert total(find_old(old.ledger, kept, old.now)) == Pruned(runs=3)
    assert total(prune(old.ledger, kept, old.now)) == Pruned(runs=3)
    assert len(old.ledger.runs(RunFilter())) == 2
    assert old.ledger.check() == []


def test_counting_what_would_go_changes_nothing(old, keep):
    before = old.ledger.runs(RunFilter()), old.ledger.signals_from
    assert total(find_old(old.ledger, keep(1, 1), old.now)) == Pruned(signals=10, runs=3)
    assert (old.ledger.runs(RunFilter()), old.ledger.signals_from) == before


def test_a_turn_is_short_and_the_next_one_goes_on(old, keep, monkeypatch):
    keep(35, 100)
    # Time passes with each rest, so every turn is over after one step.
    monkeypatch.setattr(retention, "TURN", timedelta())
    keeper = Keeper(old.ledger, old.fleet, old.clock, old.wait)
    turns = 0
    while len(old.ledger.runs(RunFilter())) > 2:
        keeper.turn(old.now)
        turns += 1
    assert turns > 8
    assert old.ledger.check() == []


def test_after_each_step_others_have_their_turn(old, keep, monkeypatch):
    keep(35, 400)
    prune_page, rests = old.ledger.prune_signals, []

    def slow(*arguments):
        old.now += timedelta(milliseconds=30)
        return prune_page(*arguments)

    monkeypatch.setattr(old.ledger, "prune_signals", slow)
    Keeper(old.ledger, old.fleet, old.clock, rests.append).turn(old.now)
    assert rests[:5] == [timedelta(milliseconds=120)] * 5


def test_a_stop_waits_for_no_rest(old, keep):
    keep(35, 400)

    def stopping(_length):
        raise Stopping("the verifier is stopping")

    Keeper(old.ledger, old.fleet, old.clock, stopping).turn(old.now)
    assert total(find_old(old.ledger, keep(35, 400), old.now)) == Pruned(signals=8)


def test_a_round_begins_every_hour(old, keep):
    keep(365, 400)
    keeper = Keeper(old.ledger, old.fleet, old.clock, old.wait)
    keeper.turn(old.now)
    keep(35, 400)
    old.now += timedelta(minutes=59)
    keeper.turn(old.now)
    assert old.ledger.signals_from is None
    old.now += timedelta(minutes=1)
    now = old.now
    keeper.turn(now)
    assert old.ledger.signals_from == now - 35 * DAY
    assert total(find_old(old.ledger, keep(35, 400), old.now)) == Pruned()


def test_what_could_not_be_forgotten_is_left_to_the_next_round(old, keep, monkeypatch):
    keep(35, 400)
    keeper = Keeper(old.ledger, old.fleet, old.clock, old.wait)

    def refused(*_arguments):
        raise LedgerUnavailable("not now")

    with monkeypatch.context() as broken:
        broken.setattr(old.ledger, "prune_signals", refused)
        with pytest.raises(LedgerUnavailable):
            keeper.turn(old.now)
    keeper.turn(old.now)
    old.now += timedelta(hours=1)
    keeper.turn(old.now)
    assert total(find_old(old.ledger, keep(35, 400), old.now)) == Pruned()


def test_a_signal_that_comes_after_it_was_forgotten_is_refused_and_told_why(old, keep):
    kept = keep(35, 400)
    total(prune(old.ledger, kept, old.now))
    item = b'{"job": "revenue", "kind": "started", "at": "2026-04-02T02:00:00Z", "attempt": "a0"}'
    receipt = old.service.receive([item], "test")
    (rejection,) = receipt.rejected
    assert (receipt.accepted, rejection.code, rejection.retriable) == (0, "too_old", False)
    assert "retention.signals" in rejection.detail
    read = old.service.sort_out([item], known=True)
    assert [each.code for each in read.rejected] == ["too_old"]


def test_a_run_that_was_forgotten_is_not_called_missing(old, keep):
    kept = keep(35, 100)
    total(prune(old.ledger, kept, old.now))
    gone = datetime(2026, 4, 2, 2, tzinfo=UTC)
    with pytest.raises(LookupError, match=r"nothing is known of revenue/2026-04-02.* any more"):
        old.service.runs_to_verify("revenue", due=gone)
    with pytest.raises(ValueError, match=r"expected --from at .* or later"):
        old.service.runs_to_verify("revenue", start=gone, end=gone + DAY)
    (left,) = old.service.runs_to_verify("revenue", due=gone + 4 * DAY)
    assert old.ledger.row(left) is not None
    assert len(old.service.runs_to_verify("revenue", start=old.now - 9 * DAY, end=old.now)) == 9
