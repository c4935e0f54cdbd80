"""What the page says of one job, as its story goes on."""

from datetime import timedelta

import pytest
from msgspec import structs

from verifier.runs.declaration import Every
from verifier.runs.evaluation import PartitionCount
from verifier.runs.signal import Lane, Progress

NIGHT = 1775181600.0
"""02:00 of 2026-04-03."""


def of(samples, family, **labels):
    """The samples of a family that have those labels, by the values of their other labels."""
    found = {}
    for name, value in samples.items():
        base, _, rest = name.partition("{")
        if base != family:
            continue
        had = dict(pair.split("=", 1) for pair in rest.removesuffix("}").split('",') if "=" in pair)
        had = {key: text.strip('"') for key, text in had.items()}
        if all(had.get(key) == text for key, text in labels.items()):
            rest = tuple(text for key, text in had.items() if key not in ("job_name", *labels))
            found[rest] = value
    return found


def one(samples, family, **labels):
    values = of(samples, family, **labels)
    assert len(values) <= 1
    return next(iter(values.values()), None)


def instant(samples, name):
    return one(samples, f"landed_job_{name}_timestamp_seconds", job_name="nightly")


def verified_night(ledger, told, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    told(build.signal("created", "02:00:00"), build.signal("started", "02:00:20"))
    told(build.signal("succeeded", "02:30:20"))
    key = build.nightly
    ledger.record(key, build.evaluation(key, "02:30:30"), build.at("02:30:30"))


def test_a_new_job_has_its_counters_at_zero_and_no_time_that_did_not_come(seen):
    samples = seen("-2 01:00")
    assert one(samples, "landed_runs_due_total", job_name="nightly") == 0
    assert set(of(samples, "landed_runs_judged_total", lane="live").values()) == {0}
    assert len(of(samples, "landed_runs_judged_total")) == 10
    assert one(samples, "landed_start_delay_seconds_count", job_name="nightly") == 0
    times = {name for name in samples if name.startswith("landed_job_") and "timestamp" in name}
    assert {name.split("{")[0] for name in times} == {
        f"landed_job_{name}_timestamp_seconds"
        for name in ("next_due", "registered", "useful_completion_due")
    }


def test_what_is_declared_is_told(seen):
    line = (
        'landed_job_info{class="one-result",effects="append",job_name="nightly",'
        'overlap="forbid",owner="finance-data",scheduler="none"}'
    )
    assert seen("02:00")[line] == 1
    assert one(seen("02:00"), "landed_checks", job_name="nightly") == 4


def test_the_scheduler_is_told_where_one_is_declared(ledger, seen, build):
    bound = build.job(source="hostcron", scheduler="cron")
    ledger.declare("nightly", bound, {}, build.at("01:00"))
    assert len(of(seen("02:00"), "landed_job_info", scheduler="cron")) == 1


def test_a_verified_night_is_told_from_due_to_useful(ledger, seen, told, build):
    verified_night(ledger, told, build)
    samples = seen("03:00")
    assert instant(samples, "last_due") == NIGHT
    assert instant(samples, "next_due") == NIGHT + 86400
    assert instant(samples, "last_created") == NIGHT
    assert instant(samples, "last_started") == NIGHT + 20
    assert instant(samples, "last_success") == NIGHT + 1820
    assert instant(samples, "last_useful_completion") == NIGHT + 1820
    assert instant(samples, "last_verified_due") == NIGHT
    assert instant(samples, "useful_completion_due") == NIGHT + 86400 + 7200
    for counter in ("runs_due", "runs_created", "useful_completions"):
        assert one(samples, f"landed_{counter}_total", job_name="nightly") == 1
    assert one(samples, "landed_runs_judged_total", lane="live", verdict="verified") == 1
    assert one(samples, "landed_attempts_total", lane="live", outcome="succeeded") == 1
    assert of(samples, "landed_runs_open") == {}
    assert one(samples, "landed_attempts_since_useful_completion", job_name="nightly") == 0


def test_a_verified_night_is_in_every_distribution_once(ledger, seen, told, build):
    verified_night(ledger, told, build)
    verified_night(ledger, told, build)
    samples = seen("03:00")
    sums = {
        "start_delay_seconds": 20,
        "queue_delay_seconds": 20,
        "attempt_duration_seconds": 1800,
        "time_to_verdict_seconds": 10,
        "attempts_per_run": 1,
        "runtime_to_interval_ratio": 1800 / 86400,
    }
    for name, total in sums.items():
        assert one(samples, f"landed_{name}_count", job_name="nightly") == 1
        assert one(samples, f"landed_{name}_sum", job_name="nightly") == pytest.approx(total)
    lasted = of(samples, "landed_attempt_duration_seconds_bucket", job_name="nightly")
    assert lasted == {("60.0",): 0, ("600.0",): 0, ("3600.0",): 1, ("+Inf",): 1}
    asked = of(samples, "landed_check_duration_seconds_count")
    assert asked == {("warehouse",): 2, ("lake",): 2}


def test_a_running_attempt_shows_when_it_began_breathed_and_moved(seen, told, build):
    told(
        build.signal("started", "02:00:05"),
        build.signal("progress", "02:05", progress=Progress(done=1, total=9)),
        build.signal("heartbeat", "02:06"),
    )
    samples = seen("14:00:05")
    assert instant(samples, "oldest_running_start") == NIGHT + 5
    assert instant(samples, "oldest_running_progress") == NIGHT + 300
    assert instant(samples, "oldest_running_heartbeat") == NIGHT + 360
    assert of(samples, "landed_attempts_active") == {("live",): 1}
    assert one(samples, "landed_oldest_running_interval_ratio", job_name="nightly") == 0.5
    assert instant(samples, "oldest_unclaimed_created") is None


def test_what_runs_in_another_lane_is_active_and_no_live_time(seen, told, build):
    told(build.signal("started", "02:00:05", lane=Lane.MANUAL))
    samples = seen("02:10")
    assert of(samples, "landed_attempts_active") == {("manual",): 1}
    assert instant(samples, "oldest_running_start") is None
    assert of(samples, "landed_run_conditions") == {}


def test_an_attempt_that_nobody_claims_shows_since_when_it_waits(seen, told, build):
    told(build.signal("created", "02:00:05"))
    assert instant(seen("02:10"), "oldest_unclaimed_created") == NIGHT + 5
    told(build.signal("claimed", "02:11"))
    assert instant(seen("02:12"), "oldest_unclaimed_created") is None


def test_a_live_run_that_does_not_start_is_late_and_waits(ledger, seen, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    assert of(seen("02:01"), "landed_run_conditions") == {}
    assert of(seen("02:06"), "landed_run_conditions") == {("late",): 1}
    assert one(seen("02:06"), "landed_runs_waiting", job_name="nightly") == 1


def test_a_run_that_is_expected_again_is_due_once(ledger, seen, build):
    for dues in (["02:00"], ["02:00", "+1 02:00"], ["+1 02:00"]):
        ledger.expect("nightly", [build.at(due) for due in dues], build.at("+1 02:00"))
    assert one(seen("+1 03:00"), "landed_runs_due_total", job_name="nightly") == 2


def test_a_success_that_is_told_late_moves_no_time_back(ledger, seen, told, build):
    verified_night(ledger, told, build)
    earlier = build.at("-1 02:00")
    told(
        build.signal("started", "-1 02:01", "a0", due=earlier),
        build.signal("succeeded", "-1 02:02", "a0", due=earlier),
        at="03:00",
    )
    samples = seen("03:01")
    assert instant(samples, "last_started") == NIGHT + 20
    assert instant(samples, "last_success") == NIGHT + 1820
    assert instant(samples, "last_created") == NIGHT


def test_a_missing_night_is_open_until_somebody_skips_it(ledger, seen, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    key = build.nightly
    for when in ("02:05", "02:05:20"):
        ledger.record(key, build.evaluation(key, when, "none"), build.at(when))
    samples = seen("02:10")
    assert of(samples, "landed_runs_open") == {("live", "missing"): 1}
    assert one(samples, "landed_runs_missing_total", job_name="nightly") == 1
    assert of(samples, "landed_run_conditions") == {}
    ledger.act(build.action("skip", "02:20", key=key))
    after = seen("02:21")
    assert of(after, "landed_runs_open") == {}
    assert one(after, "landed_runs_missing_total", job_name="nightly") == 1
    assert one(after, "landed_verdict_revisions_total", direction="better") == 1


def test_a_false_success_is_open_and_counted_once_however_often_it_comes_back(
    ledger, seen, told, build
):
    told(build.signal("started", "02:00:05"), build.signal("succeeded", "02:10"))
    key = build.nightly
    for when, word in (
        ("02:11", "partial"),
        ("02:12", "partial"),
        ("02:13", "complete"),
        ("02:14", "partial"),
        ("02:15", "partial"),
    ):
        ledger.record(key, build.evaluation(key, when, word), build.at(when))
    samples = seen("02:20")
    assert one(samples, "landed_false_successes_open", job_name="nightly") == 1
    assert one(samples, "landed_false_successes_total", job_name="nightly") == 1
    assert of(samples, "landed_verdict_revisions_total") == {("better",): 1, ("worse",): 1}
    assert one(samples, "landed_runs_judged_total", lane="live", verdict="partial") == 1


def test_the_checks_tell_what_the_verdict_of_the_newest_live_run_rests_on(
    ledger, seen, told, build
):
    told(build.signal("started", "02:00:05"), build.signal("succeeded", "02:10"))
    key = build.nightly
    more = {"unexpected": 3, "surplus": 2}
    for when in ("02:11", "02:12"):
        ledger.record(key, build.evaluation(key, when, "partial", **more), build.at(when))
    samples = seen("02:20")
    assert of(samples, "landed_check_result", check="rows") == {("violated",): 1}
    assert of(samples, "landed_check_result", check="sums") == {("holds",): 1}
    assert of(samples, "landed_scope_keys", check="rows") == {
        ("expected",): 150,
        ("done",): 100,
        ("missing",): 50,
        ("duplicated",): 2,
        ("unexpected",): 3,
    }
    assert of(samples, "landed_scope_keys", check="once") == {("duplicated",): 0}
    assert of(samples, "landed_scope_keys", check="count") == {}
    last = of(samples, "landed_check_last_answer_timestamp_seconds")
    assert set(last.values()) == {NIGHT + 720}


def test_a_check_that_cannot_tell_counts_no_keys_and_keeps_its_last_answer(
    ledger, seen, told, build
):
    verified_night(ledger, told, build)
    told(build.signal("started", "+1 02:00:05"), build.signal("succeeded", "+1 02:10"))
    key = build.key("nightly", "+1 02:00")
    answer = build.evaluation(key, "+1 02:11", "unreachable")
    ledger.record(key, answer, build.at("+1 02:11"))
    samples = seen("+1 02:20")
    assert of(samples, "landed_check_result", check="rows") == {("unknown",): 1}
    assert of(samples, "landed_scope_keys") == {}
    assert of(samples, "landed_check_unknown_total", reason="store") == {(): 4}
    last = of(samples, "landed_check_last_answer_timestamp_seconds", check="rows")
    assert set(last.values()) == {NIGHT + 1830}


def test_a_check_that_is_declared_no_more_is_not_told(ledger, seen, told, build):
    verified_night(ledger, told, build)
    ledger.declare("nightly", build.job(checks=()), {}, build.at("03:00"))
    samples = seen("03:01")
    for family in ("check_result", "scope_keys", "check_last_answer_timestamp_seconds"):
        assert of(samples, f"landed_{family}") == {}


def test_what_is_declared_anew_is_told_by_who_knew_the_old(ledger, seen, build):
    assert len(of(seen("02:00"), "landed_job_info", owner="finance-data")) == 1
    ledger.declare("nightly", build.job(owner="platform"), build.document, build.at("02:01"))
    ledger.declare("other", build.job("other"), {}, build.at("02:01"))
    samples = seen("02:02")
    assert len(of(samples, "landed_job_info", owner="platform")) == 1
    assert len(of(samples, "landed_job_info")) == 2


def test_a_mute_is_told_and_takes_the_limit_of_staleness_away(ledger, seen, told, build):
    verified_night(ledger, told, build)
    ledger.act(build.action("mute", "03:00", until=build.at("06:00")))
    samples = seen("04:00")
    assert instant(samples, "muted_until") == NIGHT + 4 * 3600
    assert instant(samples, "useful_completion_due") is None
    after = seen("06:00")
    assert instant(after, "muted_until") is None
    assert instant(after, "useful_completion_due") is not None


def test_a_job_that_cannot_prove_completion_has_no_limit_and_counts_no_attempts_since(
    ledger, seen, build
):
    ledger.declare("nightly", build.job(checks=()), {}, build.at("01:00"))
    samples = seen("02:00")
    assert instant(samples, "useful_completion_due") is None
    assert one(samples, "landed_attempts_since_useful_completion", job_name="nightly") is None


def test_retries_are_counted_by_how_the_attempt_before_ended(seen, told, build):
    told(build.signal("started", "02:00:05"), build.signal("failed", "02:01"))
    told(build.signal("started", "02:02", attempt="a2", due=build.at("02:00")))
    told(build.signal("lost", "02:03", attempt="a2"))
    told(build.signal("started", "02:04", attempt="a3", due=build.at("02:00")))
    rerun = {"lane": Lane.RERUN, "due": build.at("02:00")}
    told(build.signal("started", "02:05", attempt="a4", **rerun))
    samples = seen("02:10")
    assert of(samples, "landed_retries_total") == {("failed",): 1, ("lost",): 1, ("other",): 0}
    assert one(samples, "landed_start_delay_seconds_sum", job_name="nightly") == 5


def test_an_attempt_that_starts_beside_another_violates_the_policy_once(seen, told, build):
    told(build.signal("started", "02:00:05"))
    told(build.signal("started", "02:02", attempt="a2"))
    told(build.signal("succeeded", "02:10"), build.signal("succeeded", "02:11", attempt="a2"))
    assert one(seen("02:20"), "landed_overlap_violations_total", job_name="nightly") == 1


def test_an_attempt_that_outlives_the_next_slot_violates_it_too(ledger, seen, told, build):
    every = Every(period=timedelta(minutes=15))
    ledger.declare("quarter", build.job("quarter", every), {}, build.declared)
    told(build.signal("started", "02:00", job="quarter"))
    told(build.signal("started", "02:15", attempt="a2", job="quarter"))
    told(build.signal("succeeded", "02:20", job="quarter"))
    told(build.signal("succeeded", "02:21", attempt="a2", job="quarter"))
    samples = seen("02:30")
    assert one(samples, "landed_overlap_violations_total", job_name="quarter") == 1
    assert one(samples, "landed_overlap_violations_total", job_name="nightly") == 0


def test_the_recent_runtimes_are_told_from_five_on(ledger, seen, told, build):
    every = Every(period=timedelta(minutes=15))
    ledger.declare("quarter", build.job("quarter", every, checks=()), {}, build.declared)
    for number in range(1, 6):
        assert of(seen("02:00"), "landed_runtime_to_interval_recent_ratio") == {}
        name = f"a{number}"
        told(
            build.signal("started", f"0{number}:00", attempt=name, job="quarter"),
            build.signal("succeeded", f"0{number}:0{number}:30", attempt=name, job="quarter"),
        )
    recent = of(seen("06:00"), "landed_runtime_to_interval_recent_ratio", job_name="quarter")
    assert recent == {("0.5",): pytest.approx(3.5 / 15), ("0.95",): pytest.approx(5.5 / 15)}


def test_another_lane_has_its_counters_at_zero_before_anything_in_it_ends(seen, told, build):
    told(build.signal("started", "02:00:05", lane=Lane.MANUAL))
    samples = seen("02:01")
    assert set(of(samples, "landed_attempts_total", lane="manual").values()) == {0}
    assert len(of(samples, "landed_attempts_total", lane="manual")) == 5
    assert len(of(samples, "landed_runs_judged_total", lane="other")) == 10
    assert of(samples, "landed_attempts_total", lane="backfill") == {}


def test_a_job_that_is_removed_leaves_and_comes_back_as_it_was(ledger, seen, told, build):
    verified_night(ledger, told, build)
    before = seen("03:00")
    ledger.retire("nightly", build.at("03:01"))
    assert not any('job_name="nightly"' in name for name in seen("03:02"))
    ledger.declare("nightly", build.job(), build.document, build.at("03:03"))
    after = seen("03:04")
    of_job = {name: value for name, value in before.items() if 'job_name="nightly"' in name}
    assert {name: after[name] for name in of_job} == of_job


def test_a_source_shows_when_it_was_heard_and_how_long_it_was_not(ledger, seen, told, build):
    ledger.listening("native", build.at("02:00"))
    told(build.signal("started", "02:00:05"))
    ledger.blind("native", build.at("02:01"), build.at("02:03"), build.at("02:04"))
    samples = seen("02:10")
    source = {"source": "native"}
    assert one(samples, "landed_source_contact_due_timestamp_seconds", **source) == NIGHT + 15
    assert one(samples, "landed_source_last_signal_timestamp_seconds", **source) == NIGHT + 5
    assert one(samples, "landed_blind_seconds_total", **source) == 120


def test_a_time_away_that_lasts_longer_than_was_known_counts_what_came_to_it(ledger, seen, build):
    for until in ("02:03", "02:03", "02:05"):
        ledger.blind("native", build.at("02:01"), build.at(until), None)
    ledger.blind("native", build.at("03:01"), None, None)
    assert one(seen("04:00"), "landed_blind_seconds_total", source="native") == 240


def test_what_landed_says_itself_is_no_source(ledger, seen, build):
    lost = build.signal("lost", "02:00:05")
    ledger.append([lost], source="silence", received_at=build.at("02:01"))
    assert of(seen("02:10"), "landed_source_last_signal_timestamp_seconds") == {}


def test_partitions_are_fresh_stale_or_unknown_by_class(ledger, seen, told, build):
    parted = build.job(partition_name="tenant")
    ledger.declare("nightly", parted, {}, build.at("01:00"))
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    told(build.signal("started", "02:00:20"), build.signal("succeeded", "02:30:20"))
    count = PartitionCount(
        total=10, holding=6, by_class={"free": (4, 7), "gold": (2, 3)}, unknown={"free": 2}
    )
    found = structs.replace(build.evaluation(build.nightly, "02:30:30"), partitions=count)
    ledger.record(build.nightly, found, build.at("02:30:30"))
    samples = seen("03:00")
    assert of(samples, "landed_partitions", job_name="nightly") == {
        ("free", "fresh"): 4,
        ("free", "stale"): 1,
        ("free", "unknown"): 2,
        ("gold", "fresh"): 2,
        ("gold", "stale"): 1,
    }
