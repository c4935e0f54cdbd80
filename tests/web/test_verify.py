import msgspec
import pytest

from verifier.web.shapes import Verified
from verifier.web.verify import MAX_RUNS

BODY = {"job": "nightly"}


def runs(answer):
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Verified).runs


def test_the_last_due_run_is_judged_by_what_is_there(api, warehouse):
    warehouse.write("de", "fr")
    (run,) = runs(api.post("/v1/verify", BODY))
    assert (run.due, run.verdict) == ("2026-04-03T02:00:00Z", "verified")
    assert run.checks[0].done == 2


def test_a_complaint_is_confirmed_by_a_second_look_before_it_is_told(api, warehouse, signal):
    warehouse.write("de")
    api.post("/v1/signals", [signal("started"), signal("succeeded")])
    (run,) = runs(api.post("/v1/verify", BODY))
    assert (run.verdict, run.false_success) == ("partial", True)


def test_a_span_is_every_slot_in_it_so_far(api):
    body = {**BODY, "from": "2026-04-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    assert [run.due for run in runs(api.post("/v1/verify", body))] == [
        f"2026-04-0{night}T02:00:00Z" for night in (1, 2, 3)
    ]


def test_a_span_that_has_not_come_is_empty(api):
    body = {**BODY, "from": "2026-05-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"}
    assert runs(api.post("/v1/verify", body)) == []


def test_a_span_of_too_many_runs_is_to_be_asked_for_in_pieces(api):
    body = {"job": "beat", "from": "2001-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    answer = api.post("/v1/verify", body)
    assert answer.status_code == 422
    assert str(MAX_RUNS) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"from": "2026-04-01T00:00:00Z"}, "$.to"),
        ({"to": "2026-04-01T00:00:00Z"}, "$.from"),
        ({"from": "2026-04-02T00:00:00Z", "to": "2026-04-01T00:00:00Z"}, "$.to"),
        ({"due": "2026-04-01T02:00:00Z", "from": "2026-04-02T00:00:00Z"}, "$.due"),
        ({"due": "2026-04-04T02:00:00Z"}, "$.due"),
        ({"due": "0001-01-01T00:00:00Z"}, "$.due"),
        ({"due": "friday"}, "$.due"),
        ({"partition": "eu"}, "$.partition"),
        ({"job": None}, "job"),
        ({"jobs": "nightly"}, "jobs"),
    ],
)
def test_a_question_that_makes_no_sense_says_where(api, change, place):
    body = {key: value for key, value in {**BODY, **change}.items() if value is not None}
    answer = api.post("/v1/verify", body)
    assert answer.status_code == 422
    assert place in answer.json()["detail"]


def test_an_unknown_job_is_not_found(api):
    assert api.post("/v1/verify", {"job": "nightyl"}).status_code == 404
