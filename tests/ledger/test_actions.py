import pytest

from verifier.ledger.errors import UnknownJob


def test_an_action_is_kept_once_and_never_changed(ledger, build):
    hold = build.action("hold", "02:00")
    assert ledger.act(hold, build.at("02:00"))
    assert not ledger.act(build.action("hold", "02:00", job="quarter"), build.at("02:01"))
    assert ledger.actions() == [hold]


def test_actions_are_listed_oldest_first_by_job_or_by_run(ledger, told, build):
    key = told.night()
    on_run = build.action("reconcile", "03:00", key=key)
    on_job = build.action("hold", "02:00")
    elsewhere = build.action("hold", "01:00", job="quarter")
    for action in (on_run, on_job, elsewhere):
        ledger.act(action)
    assert ledger.actions() == [elsewhere, on_job, on_run]
    assert ledger.actions(job="nightly") == [on_job, on_run]
    assert ledger.actions(run_id=key.run_id) == [on_run]


def test_what_a_person_closes_is_closed_at_once(ledger, told, build):
    key = told.night(verified=False)
    ledger.act(build.action("reconcile", "03:00", key=key), build.at("03:00"))
    row = ledger.row(key)
    assert (row.verdict, row.open, row.useful) == ("reconciled", False, False)


def test_a_run_that_is_reconciled_may_count_as_useful(ledger, told, build):
    key = told.night(verified=False)
    ledger.act(build.action("reconcile", "03:00", key=key, counts_as_useful=True))
    assert ledger.row(key).useful
    assert ledger.last_useful("nightly").completed_at == build.at("02:10")


def test_a_run_can_be_skipped_before_anything_is_known_of_it(ledger, build):
    key = build.nightly
    ledger.act(build.action("skip", "01:00", key=key))
    assert ledger.row(key) is None
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    assert ledger.row(key).verdict == "excused"


def test_a_mute_wakes_the_runs_that_it_may_excuse(ledger, build):
    dues = [build.at("02:00"), build.at("02:30")]
    ledger.expect("quarter", dues, build.at("02:30"))
    for due in dues:
        ledger.judge([build.key("quarter", f"{due:%H:%M}")], build.at("02:30"))
    assert ledger.awake(build.at("02:30"), 10) == [build.key("quarter", "02:00")]
    ledger.act(build.action("mute", "02:20", job="quarter", until=build.at("09:00")))
    assert build.key("quarter", "02:30") in ledger.awake(build.at("02:30"), 10)


def test_a_hold_wakes_nobody(ledger, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    before = ledger.row(build.nightly)
    ledger.act(build.action("hold", "01:00"), build.at("02:00"))
    assert ledger.row(build.nightly) == before


def test_an_action_on_a_job_that_nobody_declared_is_refused(ledger, build):
    with pytest.raises(UnknownJob):
        ledger.act(build.action("hold", "02:00", job="nobody"))
    assert ledger.actions() == []
