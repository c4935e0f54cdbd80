"""Which attempts may have been at work beside those of many runs, asked for at once."""

from datetime import timedelta

import pytest

from verifier.ledger import facts as run_facts
from verifier.ledger import rivals, statements
from verifier.ledger import runs as run_rows
from verifier.ledger.listing import RunFilter
from verifier.runs.declaration import Every, Overlap

JOBS = ("a", "b", "c", "free")


@pytest.fixture
def beside(ledger, build):
    """The rivals of every run, by its path."""
    for job in JOBS:
        overlap = Overlap.ALLOW if job == "free" else Overlap.FORBID
        declared = build.job(job, Every(period=timedelta(minutes=15)), overlap=overlap)
        ledger.declare(job, declared, {}, build.declared)

    def read() -> dict[str, list[str]]:
        keys = [row.key for row in ledger.runs(RunFilter(limit=500))]
        with ledger._database.read() as connection:
            rows = list(run_rows.of_runs(connection, keys).values())
            facts = run_facts.for_judging(connection, ledger._register.read(connection), rows)
            found = rivals.of_runs(connection, facts.values())
        return {
            row.key.path.removesuffix(":00Z").replace("/2026-04-03T", " "): sorted(
                each.attempt for each in found[row.run_id]
            )
            for row in rows
            if found[row.run_id]
        }

    return read


def test_of_each_run_those_of_its_job_that_had_not_ended_when_it_began(beside, told, build):
    for job in JOBS:
        told(
            build.signal("started", "02:00", "1", job=job),
            build.signal("started", "02:15", "2", job=job),
            build.signal("started", "02:30", "3", job=job),
        )
    told(
        build.signal("succeeded", "02:10", "1", job="a"),
        build.signal("succeeded", "02:20", "1", job="b"),
        build.signal("succeeded", "02:25", "2", job="b"),
        build.signal("lost", "02:05", "1", job="c"),
    )
    assert beside() == {
        "a 02:30": ["2"],
        "b 02:15": ["1"],
        "c 02:15": ["1"],
        "c 02:30": ["1", "2"],
    }


def test_only_the_last_that_started_are_looked_at(beside, told, build, monkeypatch):
    monkeypatch.setattr(statements, "CHUNK", 7)
    starts = [build.at("02:00") + number * timedelta(minutes=15) for number in range(30)]
    told(
        *(
            build.signal("started", f"{at:%H:%M}", f"{number:02}", job="a")
            for number, at in enumerate(starts)
        )
    )
    found = beside()
    assert len(found) == 29
    assert found["a 09:15"] == [f"{number:02}" for number in range(10, 29)]
