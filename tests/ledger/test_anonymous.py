from verifier.ledger.listing import RunFilter


def runs(ledger, job="quarter"):
    """When each run was due, and what was reported of it; oldest first."""
    found = ledger.runs(RunFilter(job=job))
    return [(f"{row.key.due:%H:%M}", str(row.reported)) for row in reversed(found)]


def ping(build, kind, when, **more):
    return build.signal(kind, when, attempt=None, job="quarter", **more)


def test_what_follows_a_start_is_of_its_run_even_after_the_next_slot(ledger, told, build):
    told(ping(build, "started", "02:00:05"))
    told(ping(build, "progress", "02:16"), ping(build, "succeeded", "02:20"))
    assert runs(ledger) == [("02:00", "succeeded")]


def test_what_comes_after_the_end_is_of_the_slot_of_its_own_time(ledger, told, build):
    told(ping(build, "started", "02:00:05"), ping(build, "succeeded", "02:20"))
    told(ping(build, "failed", "02:31"))
    assert runs(ledger) == [("02:00", "succeeded"), ("02:30", "failed")]


def test_ends_without_any_start_are_each_of_their_own_slot(ledger, told, build):
    told(*(ping(build, "succeeded", f"02:{minute:02}:10") for minute in (0, 15, 30)))
    assert runs(ledger) == [("02:00", "succeeded"), ("02:15", "succeeded"), ("02:30", "succeeded")]


def test_a_start_that_is_heard_late_takes_over_what_was_said_after_it(ledger, told, build):
    told(ping(build, "started", "02:00:05"))
    told(ping(build, "heartbeat", "02:16"), ping(build, "succeeded", "02:20"))
    moved = told(ping(build, "started", "02:15:05"), at="02:21")
    assert runs(ledger) == [("02:00", "running"), ("02:15", "succeeded")]
    assert moved.touched == {build.key("quarter", "02:00"), build.key("quarter", "02:15")}
    assert ledger.check(build.at("02:21")) == []


def test_an_end_that_is_heard_late_gives_back_what_was_said_after_it(ledger, told, build):
    told(ping(build, "started", "02:00:05"), ping(build, "succeeded", "02:16"))
    assert runs(ledger) == [("02:00", "succeeded")]
    told(ping(build, "failed", "02:10"), at="02:17")
    assert runs(ledger) == [("02:00", "failed"), ("02:15", "succeeded")]
    assert ledger.check(build.at("02:17")) == []


def test_a_late_start_does_not_reach_beyond_the_next_start(ledger, told, build):
    told(ping(build, "started", "02:30:05"), ping(build, "succeeded", "02:40"))
    told(ping(build, "started", "02:00:05"), at="02:41")
    assert runs(ledger) == [("02:00", "running"), ("02:30", "succeeded")]


def test_a_run_that_lost_all_its_signals_is_gone_and_its_attempt_too(ledger, told, build, rows):
    told(ping(build, "succeeded", "02:16"))
    told(ping(build, "started", "02:00:05"), at="02:17")
    assert runs(ledger) == [("02:00", "succeeded")]
    assert [row[0] for row in rows("attempts")] == ["quarter/~2026-04-03T02:00:00Z"]


def test_a_due_that_was_told_wins_over_what_was_open(ledger, told, build):
    told(ping(build, "started", "02:00:05"))
    told(ping(build, "succeeded", "02:05", due=build.at("01:00")))
    assert runs(ledger) == [("01:00", "succeeded"), ("02:00", "running")]


def test_a_start_after_the_end_runs_again(ledger, told, build):
    told(ping(build, "started", "02:00:05"), ping(build, "failed", "02:01"))
    told(ping(build, "started", "02:02"))
    assert runs(ledger) == [("02:00", "running")]
    assert len(ledger.attempts(build.key("quarter", "02:00"))) == 1


def test_signals_of_one_partition_do_not_open_the_run_of_another(ledger, told, build):
    told(ping(build, "started", "02:00:05", partition="de"))
    told(ping(build, "succeeded", "02:16", id="fr", partition="fr"))
    told(ping(build, "succeeded", "02:17", id="all"))
    found = {(row.key.partition, f"{row.at:%H:%M}") for row in ledger.runs(RunFilter())}
    assert found == {("de", "02:00"), ("fr", "02:15"), ("", "02:15")}


def test_an_attempt_with_a_name_is_left_out_of_it(ledger, told, build):
    told(ping(build, "started", "02:00:05"))
    told(build.signal("succeeded", "02:16", job="quarter", attempt="named"))
    assert runs(ledger) == [("02:00", "running"), ("02:15", "succeeded")]
