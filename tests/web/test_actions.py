from datetime import timedelta

import msgspec
import pytest

from verifier.web.shapes import Action, Actions

RUN = "nightly/2026-04-03T02:00:00Z"
HOLD = {"action": "hold", "by": "anna", "reason": "the warehouse moves", "job": "nightly"}


@pytest.fixture
def operator(api, signal):
    """An operator, after an attempt of the night that failed."""
    api.post("/v1/signals", [signal("started"), signal("failed")])
    return api.as_operator()


def test_an_action_is_recorded_with_who_when_and_why(operator):
    answer = operator.post("/v1/actions", HOLD)
    assert answer.status_code == 200
    action = msgspec.json.decode(answer.content, type=Action)
    assert (action.by, action.reason, action.at) == (
        "anna",
        "the warehouse moves",
        "2026-04-03T03:00:00Z",
    )
    assert operator.get("/v1/jobs/nightly").json()["held"] is True


def test_the_audit_is_newest_first(operator, clock):
    operator.post("/v1/actions", HOLD)
    clock.wait(timedelta(minutes=1))
    operator.post("/v1/actions", {**HOLD, "action": "release"})
    audit = msgspec.json.decode(operator.get("/v1/actions").content, type=Actions).actions
    assert [each.action for each in audit] == ["release", "hold"]
    assert operator.get("/v1/actions?job=beat").json() == {"actions": []}
    assert len(operator.get("/v1/actions?job=nightly").json()["actions"]) == 2


def test_the_audit_of_an_unknown_job_is_not_found(operator):
    assert operator.get("/v1/actions?job=nightyl").status_code == 404
    assert operator.get("/v1/actions?jobs=nightly").status_code == 422


def test_the_same_id_again_is_the_same_action(operator):
    for _ in range(2):
        assert operator.post("/v1/actions", {**HOLD, "id": "h1"}).status_code == 200
    assert len(operator.get("/v1/actions").json()["actions"]) == 1


def test_a_run_is_reconciled_by_its_path_or_its_id(operator):
    run_id = operator.get(f"/v1/runs/{RUN}").json()["run_id"]
    for reference in (RUN, run_id):
        body = {"action": "reconcile", "by": "anna", "reason": "paid by hand", "run": reference}
        answer = operator.post("/v1/actions", body | {"counts_as_useful": True})
        assert (answer.status_code, answer.json()["run_id"]) == (200, run_id)
    assert operator.get(f"/v1/runs/{RUN}").json()["verdict"] == "reconciled"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"action": "destroy"}, "$.action"),
        ({"action": "override"}, "$.action"),
        ({"by": ""}, "$.by"),
        ({"by": "   "}, "$.by"),
        ({"reason": None}, "$.reason"),
        ({"reason": "\t"}, "$.reason"),
        ({"run": RUN}, "$.run"),
        ({"job": None}, "$.run"),
        ({"action": "fence"}, "$.run"),
        ({"job": None, "run": RUN}, "$.job"),
        ({"action": "mute"}, "until"),
        ({"action": "mute", "until": "2026-04-03T02:00:00Z"}, "until"),
        ({"until": "tomorrow"}, "$.until"),
        ({"action": "fence", "job": None, "run": RUN, "attempt": "a9"}, "a9"),
        ({"action": "fence", "job": None, "run": "nightly/friday"}, "friday"),
        ({"why": "x"}, "why"),
    ],
)
def test_an_action_that_makes_no_sense_says_where_and_is_not_kept(operator, change, place):
    body = {key: value for key, value in {**HOLD, **change}.items() if value is not None}
    answer = operator.post("/v1/actions", body)
    assert answer.status_code == 422
    assert place.removeprefix("$.") in answer.json()["detail"]
    assert operator.get("/v1/actions").json() == {"actions": []}


@pytest.mark.parametrize(
    "subject", [{"job": "nightyl"}, {"job": None, "run": "r0", "action": "skip"}]
)
def test_an_action_on_what_is_not_known_is_not_found(operator, subject):
    body = {key: value for key, value in {**HOLD, **subject}.items() if value is not None}
    assert operator.post("/v1/actions", body).status_code == 404


def test_nobody_acts_without_an_operate_token(api):
    answer = api.post("/v1/actions", HOLD)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert api.get("/v1/actions").json() == {"actions": []}


def test_an_ingest_token_does_not_act(closed_api):
    assert closed_api.post("/v1/actions", HOLD).status_code == 403


def test_the_name_of_the_token_is_kept_beside_the_name_that_was_said(closed_api):
    operator = closed_api.bearing("oncall-token-0123456789")
    assert operator.post("/v1/actions", HOLD).json()["by"] == "anna (token oncall)"
