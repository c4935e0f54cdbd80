"""How many series a job with four checks really has."""

from datetime import timedelta

import pytest

from verifier.catalogue.budget import MOST_SERIES, series_per_job
from verifier.catalogue.families import FAMILIES
from verifier.runs.guard import Decision, Ruling
from verifier.runs.signal import Progress


def series(samples):
    return [name for name in samples if 'job_name="nightly"' in name]


@pytest.fixture
def troubled(ledger, told, build):
    """Nights that verified, then one after the other that did not, and one that is stuck."""
    for day in range(6):
        due = f"+{day} 02:00"
        ledger.expect("nightly", [build.at(due)], build.at(due))
        name, key = f"n{day}", build.key("nightly", due)
        told(build.signal("created", due, name), build.signal("started", f"+{day} 02:01", name))
        told(build.signal("succeeded", f"+{day} 02:09", name))
        for when in (f"+{day} 02:10", f"+{day} 02:10:20"):
            ledger.record(key, build.evaluation(key, when), build.at(when))
    words = {6: "partial", 7: "duplicated", 8: "none", 9: "none"}
    for day, word in words.items():
        due = f"+{day} 02:00"
        ledger.expect("nightly", [build.at(due)], build.at(due))
        key = build.key("nightly", due)
        if day != 9:
            told(build.signal("started", f"+{day} 02:01", f"n{day}"))
            told(build.signal("failed", f"+{day} 02:05", f"n{day}"))
        for when in (f"+{day} 02:10", f"+{day} 02:10:20"):
            ledger.record(key, build.evaluation(key, when, word), build.at(when))
    due = "+10 02:00"
    ledger.declare(
        "nightly",
        build.job(progress_within=timedelta(minutes=10), runtime_within=timedelta(minutes=30)),
        build.document,
        build.at("+10 01:00"),
    )
    ledger.expect("nightly", [build.at(due)], build.at(due))
    said = {"progress": Progress(done=1, total=9)}
    told(
        build.signal("created", "+10 02:00", "stuck"),
        build.signal("started", "+10 02:01", "stuck"),
        build.signal("progress", "+10 02:02", "stuck", **said),
        build.signal("created", "+10 02:20", "queued", due=build.at(due)),
        build.signal("started", "+10 02:21", "beside", due=build.at(due)),
    )
    told(build.signal("heartbeat", "+10 03:10", "stuck"))
    for decision in Decision:
        ask = build.signal("claimed", "+10 03:10", f"g{decision}", due=build.at(due))
        ledger.grant(
            build.key("nightly", due),
            lambda _, decided=decision: Ruling(decided, "so"),
            ask,
            now=build.at("+10 03:10"),
        )
    ledger.act(build.action("mute", "+10 03:10", until=build.at("+11 00:00")))
    return ledger


def test_a_job_in_every_trouble_at_once_keeps_within_its_budget(troubled, watch):
    samples = watch(troubled)("+10 03:11")
    families = {name.split("{")[0] for name in series(samples)}
    for trouble in ("runs_open", "run_conditions", "attempts_active", "scope_keys"):
        assert f"landed_{trouble}" in families
    assert len([name for name in series(samples) if "landed_runs_open" in name]) == 4
    assert len([name for name in series(samples) if "landed_run_conditions" in name]) >= 4
    assert len(series(samples)) <= MOST_SERIES


def test_a_job_at_rest_has_no_more_than_what_is_declared(ledger, told, build, seen):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    told(build.signal("created", "02:00"), build.signal("started", "02:00:20"))
    told(build.signal("succeeded", "02:30:20"))
    key = build.nightly
    ledger.record(key, build.evaluation(key, "02:30:30"), build.at("02:30:30"))
    assert len(series(seen("03:00"))) <= series_per_job(FAMILIES)
