from verifier.ledger import statements
from verifier.ledger.listing import RunFilter


def test_what_the_schedule_asks_for_is_a_run_that_waits(ledger, build):
    dues = [build.at("02:00"), build.at("+1 02:00")]
    ledger.expect("nightly", dues, build.at("02:00"))
    found = ledger.runs(RunFilter())
    assert [row.key.due for row in found] == dues[::-1]
    assert {(row.lane, row.expected, row.state, row.verdict) for row in found} == {
        ("live", True, "waiting", None)
    }


def test_expecting_again_changes_nothing(ledger, build, rows):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    before = rows("runs"), rows("cursors")
    ledger.expect("nightly", [build.at("02:00")], build.at("02:30"))
    assert (rows("runs"), rows("cursors")) == before


def test_the_sweep_goes_on_from_the_last_due_that_it_expected(ledger, told, build):
    assert ledger.last_expected("nightly") is None
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    ledger.expect("nightly", [build.at("-1 02:00")], build.at("02:00"))
    told(build.signal("started", "03:00", due=build.at("+1 02:00")))
    assert ledger.last_expected("nightly") == build.at("02:00")
    assert ledger.last_expected("quarter") is None


def test_expecting_nothing_is_fine(ledger, build):
    ledger.expect("nightly", [], build.at("02:00"))
    assert ledger.last_expected("nightly") is None


def test_a_run_that_began_before_it_was_expected_is_of_the_live_lane(ledger, told, build, counted):
    """Its clock was ahead of the sweep's."""
    ledger.declare("plain", build.job("plain", checks=()), {}, build.declared)
    told(build.signal("started", "01:59:59", job="plain"))
    told(build.signal("succeeded", "02:00", job="plain"))
    key = build.key("plain", "02:00")
    before = ledger.row(key)
    assert (before.lane, before.expected, before.verdict) == ("live", False, "unproven")
    ledger.expect("plain", [build.at("02:00")], build.at("02:00:01"))
    after = ledger.row(key)
    assert (after.lane, after.expected, after.verdict) == ("live", True, "unproven")
    assert counted("landed_runs_judged_total") == {("live", "unproven"): 1}


def test_a_run_from_before_the_job_was_declared_is_of_no_lane_of_its_schedule(ledger, told, build):
    told(build.signal("started", "02:00:01", due=build.at("-9 02:00")))
    told(build.signal("started", "02:00:02", attempt="a2", due=build.at("02:01")))
    assert {row.lane for row in ledger.runs(RunFilter())} == {"other"}


def test_since_begins_expectations_before_the_declaration(ledger, told, build):
    past = build.job("past", since=build.at("-20 00:00"))
    ledger.declare("past", past, {}, build.declared)
    told(build.signal("started", "02:00:01", job="past", due=build.at("-9 02:00")))
    (row,) = ledger.runs(RunFilter())
    assert row.lane == "live"


def test_many_expectations_are_kept_piece_by_piece(ledger, build, monkeypatch):
    monkeypatch.setattr(statements, "CHUNK", 3)
    dues = [build.at(f"{hour:02}:00") for hour in range(10)]
    ledger.expect("quarter", dues[::-1], build.at("10:00"))
    assert len(ledger.runs(RunFilter())) == 10
    assert ledger.last_expected("quarter") == build.at("09:00")
