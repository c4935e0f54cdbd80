import pytest

from verifier.runs.guard import Decision, Ruling


@pytest.fixture
def heard(ledger, build):
    """A job whose scheduler tells of its attempts."""
    ledger.declare("heard", build.job("heard", source="airflow"), {}, build.at("00:30"))
    return build.key("heard", "02:00")


def turn_away(ledger, build, key, decision=Decision.REFUSE):
    claim = build.signal("claimed", "02:00:05", job=key.job, due=key.due)
    ruling = Ruling(decision, "on hold")
    return ledger.grant(key, lambda _: ruling, claim, now=build.at("02:00:05"))


def tell(ledger, build, key, *kinds):
    signals = [build.signal(kind, "02:00:04", job=key.job, due=key.due) for kind in kinds]
    ledger.append(signals, source="airflow", received_at=build.at("02:00:30"))


@pytest.mark.parametrize("decision", [Decision.REFUSE, Decision.SKIP])
@pytest.mark.parametrize("told_first", [True, False])
def test_what_its_scheduler_tells_of_an_attempt_that_was_turned_away_counts_nowhere(
    ledger, build, heard, decision, told_first
):
    if told_first:
        tell(ledger, build, heard, "started")
    turn_away(ledger, build, heard, decision)
    tell(ledger, build, heard, "started", "failed")
    assert ledger.facts(heard, build.at("02:01")).attempts == []
    assert ledger.row(heard).reported == "none"
    assert [each.decision for each in ledger.guard_decisions(heard)] == [decision]


def test_an_attempt_that_was_allowed_counts(ledger, build, heard):
    turn_away(ledger, build, heard, Decision.ALLOW)
    tell(ledger, build, heard, "started", "failed")
    assert [each.attempt for each in ledger.facts(heard, build.at("02:01")).attempts] == ["a1"]
    assert ledger.row(heard).reported == "failed"


def test_a_job_that_tells_itself_began_whatever_it_was_told(ledger, build):
    turn_away(ledger, build, build.nightly)
    tell(ledger, build, build.nightly, "started")
    facts = ledger.facts(build.nightly, build.at("02:01"))
    assert [each.attempt for each in facts.attempts] == ["a1"]
