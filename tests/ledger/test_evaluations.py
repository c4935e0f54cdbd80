import msgspec
import pytest

from verifier.ledger.errors import UnknownJob
from verifier.ledger.listing import RunFilter


def test_evaluations_come_back_as_they_were_oldest_first(ledger, told, build):
    key = told.night(verified=False)
    evidence = {"sql": "select 1", "keys": ["DE", 3, None], "nested": {"a": [1.5, True]}}
    later = build.evaluation(key, "02:20", "partial", evidence=evidence, missing=2, expected=3)
    earlier = build.evaluation(key, "02:15", "unreachable", "ask_again")
    for evaluation in (later, earlier):
        ledger.record(key, evaluation, build.at("02:20"))
    assert ledger.evaluations(key) == [earlier, later]


def test_a_run_comes_into_being_when_it_is_asked_about(ledger, build):
    key = build.key("nightly", "-30 02:00")
    ledger.record(key, build.evaluation(key, "02:00", "partial", "asked"), build.at("02:00"))
    assert [row.key for row in ledger.runs(RunFilter())] == [key]
    assert ledger.row(key).lane == "other"


def test_an_evaluation_of_another_run_or_of_no_job_is_refused(ledger, build):
    answer = build.evaluation(build.nightly, "02:00", "complete")
    with pytest.raises(ValueError, match="of another run"):
        ledger.record(build.key("nightly", "+1 02:00"), answer, build.at("02:00"))
    nobody = build.key("nobody", "02:00")
    with pytest.raises(UnknownJob):
        ledger.record(
            nobody,
            msgspec.structs.replace(answer, run_id=nobody.run_id),
            build.at("02:00"),
        )
    assert ledger.runs(RunFilter()) == []
