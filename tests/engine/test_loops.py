"""How loops turn: by APScheduler's threads, so these tests wait for what they await."""

from datetime import UTC, datetime, timedelta
from threading import Event

from verifier.engine.loops import Loops
from verifier.ledger.errors import LedgerUnavailable

NOW = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE = 60


def test_a_step_that_has_more_to_do_is_called_again_at_once_and_its_turns_are_told():
    answers, done = [True, True, None], Event()
    loops = Loops(lambda: NOW)

    def step(now):
        answer = answers.pop(0)
        if not answers:
            done.set()
        return answer

    loops.add("tick", step, HOUR, at_once=True)
    loops.start()
    assert done.wait(PATIENCE)
    loops.stop()
    assert answers == []
    assert loops.turns["tick"].last == NOW


def test_a_loop_that_always_has_more_to_do_ends_when_it_is_stopped():
    begun = Event()
    loops = Loops(lambda: NOW)

    def step(now):
        begun.set()
        return True

    loops.add("tick", step, HOUR, at_once=True)
    loops.start()
    assert begun.wait(PATIENCE)
    loops.stop()


def test_a_step_that_could_not_be_recorded_waits_for_its_next_turn():
    calls, done = [], Event()
    loops = Loops(lambda: NOW)

    def step(now):
        calls.append(now)
        done.set()
        raise LedgerUnavailable("no disk")

    loops.add("tick", step, HOUR, at_once=True)
    loops.start()
    assert done.wait(PATIENCE)
    loops.stop()
    assert len(calls) == 1
    assert loops.turns["tick"].last is None
