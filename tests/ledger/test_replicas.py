"""Several processes that write one PostgreSQL ledger at once."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from verifier.ledger.ledger import Ledger
from verifier.ledger.schema import attempts, revisions, runs, signals

START = datetime(2026, 4, 3, 2, 0, tzinfo=UTC)
REPLICAS = 3
ROUNDS = 12

REPLICA = """
import random, sys
from datetime import UTC, datetime, timedelta
from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch
from verifier.runs.declaration import Declaration, Every, Surface, SurfaceKind
from verifier.runs.signal import Kind, Signal

url, number = sys.argv[1], int(sys.argv[2])
chance = random.Random(number)
start = datetime(2026, 4, 3, 2, tzinfo=UTC)
period = timedelta(minutes=15)
new = 0
with Ledger.open(url, start) as ledger:
    for name in ("quarter", "other"):
        ledger.declare(name, Declaration(
            job=name, schedule=Every(period=period),
            surfaces=(Surface(name="table", kind=SurfaceKind.REPLACE),),
            finish_within=period, verified_within=period * 4, zombie_grace=period * 2,
        ), {}, start)
    for round in range(int(sys.argv[3])):
        said = [
            Signal(
                job=job, kind=kind, at=start + period * (each % 20) + timedelta(seconds=step),
                id=f"{round}/{each}/{kind}", attempt=None if each % 10 == 9 else f"{round}/{each}",
            )
            for job in ("quarter", "other")
            for each in range(40)
            for step, kind in enumerate((Kind.STARTED, Kind.HEARTBEAT, Kind.SUCCEEDED))
        ]
        chance.shuffle(said)
        for begin in range(0, len(said), 60):
            batch = Batch(signals=said[begin:begin + 60], source="test", received_at=start)
            if chance.random() < 0.5:
                new += sum(ledger.append_group([batch], start))
            else:
                new += ledger.append(batch.signals, source="test", received_at=start).accepted
        ledger.expect("quarter", [start + period * each for each in range(20)], start)
        now = start + period * 30
        ledger.judge(ledger.awake(now, 100), now)
print(new)
"""


@pytest.mark.slow
def test_replicas_that_say_the_same_in_another_order_count_everything_once(
    postgres_url: Callable[[], str],
) -> None:
    url = postgres_url()
    command = [sys.executable, "-W", "error", "-c", REPLICA, url]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    replicas = [
        subprocess.Popen(
            [*command, str(number), str(ROUNDS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(REPLICAS)
    ]
    done = [replica.communicate(timeout=120) for replica in replicas]
    assert [error for _, error in done] == [""] * REPLICAS
    said = ROUNDS * 2 * 40 * 3
    assert sum(int(new) for new, _ in done) == said
    later = START + timedelta(days=1)
    with Ledger.open(url, START) as ledger:
        while awake := ledger.awake(later, 500):
            ledger.judge(awake, later)
            if ledger.awake(later, 500) == awake:
                break
        assert ledger.check(later) == []
        with ledger._database.read() as connection:
            kept = connection.scalar(select(func.count()).select_from(signals))
            tried = connection.scalar(select(func.count()).select_from(attempts))
            found = connection.scalar(select(func.count()).select_from(runs))
            first = connection.scalar(select(func.count()).where(revisions.c.was.is_(None)))
        assert kept == said
        ended = sum(t.value for t in ledger.tallies("landed_attempts_total"))
        assert ended == tried
        judged = sum(tally.value for tally in ledger.tallies("landed_runs_judged_total"))
        assert judged <= found
        assert first >= judged
