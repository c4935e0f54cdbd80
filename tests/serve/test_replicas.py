"""Real processes on one PostgreSQL: one sweeps, and another one goes on when it is gone."""

import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from verifier.engine.turn import LENGTH
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter

EVERY = timedelta(seconds=5)
SLACK = timedelta(seconds=15)
"""What a busy machine may add."""


def who_took_it(replicas: Sequence[Any]) -> Any:
    """The one that took the lease; waits until there is one, and ends if there are two."""
    found: list[Any] = []

    def took() -> bool:
        found[:] = [each for each in replicas if "lease_taken" in each.log.read_text()]
        return bool(found)

    replicas[0].eventually(took)
    (one,) = found
    return one


@pytest.mark.slow
def test_another_one_sweeps_when_the_one_that_did_is_killed_and_no_slot_is_left_out(
    start: Callable[..., Any], postgres_url: Callable[[], str]
) -> None:
    url = postgres_url()
    more = f"  often: {{schedule: {{every: {EVERY.seconds}s}}, class: best-effort}}\n"
    replicas = [start(url, more) for _ in range(3)]
    killed = who_took_it(replicas)
    began = time.monotonic()
    killed.process.kill()
    left = [each for each in replicas if each is not killed]
    assert left[0].tell("meanwhile").is_success
    second = who_took_it(left)
    assert time.monotonic() - began < (LENGTH + SLACK).total_seconds()

    (third,) = [each for each in left if each is not second]
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(20) == 0
    assert who_took_it([third]) is third

    def swept() -> bool:
        latest = ledger.last_expected("often")
        return latest is not None and latest > datetime.now(UTC) - 2 * EVERY

    with Ledger.open(url, datetime.now(UTC)) as ledger:
        third.eventually(swept)
        third.process.kill()
        third.process.wait()
        dues = sorted(row.key.due for row in ledger.runs(RunFilter(job="often")))
        counted = ledger.tallies("landed_runs_due_total")
        assert {after - before for before, after in pairwise(dues)} == {EVERY}
        assert [each.value for each in counted if each.job == "often"] == [len(dues)]
        assert ledger.windows("native") == []
