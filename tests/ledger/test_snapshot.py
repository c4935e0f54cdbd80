import pytest


@pytest.fixture
def taken(ledger, build):
    return ledger.snapshot(build.at("01:00"))


def test_a_snapshot_has_every_declared_job_in_order(ledger, taken, build):
    assert list(taken.jobs) == ["nightly", "quarter"]
    ledger.retire("nightly", build.at("02:00"))
    assert list(ledger.snapshot(build.at("02:01"), taken).jobs) == ["quarter"]


def test_what_did_not_change_is_the_same_object(ledger, told, taken, build):
    told(build.signal("started", "02:00:05"))
    after = ledger.snapshot(build.at("02:01"), taken)
    assert after.jobs["quarter"] is taken.jobs["quarter"]
    assert after.jobs["nightly"] is not taken.jobs["nightly"]
    assert [each.attempt.attempt for each in after.jobs["nightly"].facts.unended] == ["a1"]


@pytest.mark.parametrize(
    "change",
    [
        lambda ledger, told, build: told(build.signal("started", "02:00:05")),
        lambda ledger, told, build: ledger.expect(
            "nightly", [build.at("02:00")], build.at("02:00")
        ),
        lambda ledger, told, build: ledger.act(build.action("hold", "02:00")),
        lambda ledger, told, build: ledger.declare(
            "nightly", build.job(owner="new"), {}, build.at("02:00")
        ),
        lambda ledger, told, build: ledger.record(
            build.nightly,
            build.evaluation(build.nightly, "02:00", "complete"),
            build.at("02:00"),
        ),
    ],
)
def test_whatever_changes_a_job_is_seen(ledger, told, taken, build, change):
    change(ledger, told, build)
    after = ledger.snapshot(build.at("02:01"), taken)
    fresh = ledger.snapshot(build.at("02:01"))
    assert after == fresh
    assert after.jobs["nightly"] is not taken.jobs["nightly"]


def test_a_snapshot_of_another_process_sees_the_same(ledger, open_ledger, told, build):
    told.night()
    assert open_ledger().snapshot(build.at("03:00")) == ledger.snapshot(build.at("03:00"))


def test_sources_tell_when_they_were_heard_and_listened_to(ledger, told, build):
    ledger.listening("native", build.at("02:00"))
    told(build.signal("started", "02:00:05"))
    found = ledger.snapshot(build.at("03:00"))
    assert found.listened == {"native": build.at("02:00")}
    assert found.heard == {"test": build.at("02:00:05")}
    assert ledger.last_listening("native") == build.at("02:00")
    assert ledger.last_listening("other") is None
