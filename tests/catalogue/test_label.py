from verifier.catalogue import label
from verifier.catalogue.reasons import unknown_group
from verifier.checks.reason import UnknownReason
from verifier.intake.receipt import RejectCode
from verifier.ledger.types import RunLane
from verifier.runs.verdict import Verdict


def test_the_lanes_of_runs_are_those_of_the_ledger():
    assert set(label.RUN_LANE.values) == set(RunLane)


def test_the_codes_are_those_of_the_door():
    assert set(label.REJECT_CODES) == set(RejectCode)


def test_open_verdicts_are_those_that_wait_for_a_person():
    assert set(Verdict) - set(label.OPEN_VERDICTS) == {"verified", "reconciled", "excused"}


def test_every_reason_of_a_check_has_a_group_and_only_our_own_faults_are_other():
    other = {reason for reason in UnknownReason if unknown_group(reason) == "other"}
    assert other == {UnknownReason.INTERNAL}
    assert {unknown_group(reason) for reason in UnknownReason} == set(label.UnknownGroup)


def test_a_reason_that_nobody_knows_and_none_at_all_are_other():
    assert unknown_group("new_reason") == unknown_group(None) == "other"
