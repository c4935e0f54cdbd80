import msgspec
import pytest

from verifier.web.shapes import GuardRuling

ASK = {"job": "nightly", "attempt": "g1"}


def test_the_first_to_ask_is_allowed_and_told_which_run_and_until_when(api):
    answer = api.post("/v1/guard", ASK)
    assert answer.status_code == 200
    assert answer.json() == {
        "decision": "allow",
        "why": "no earlier attempt is known",
        "due": "2026-04-03T02:00:00Z",
        "run": "nightly/2026-04-03T02:00:00Z",
        "lease_until": "2026-04-03T03:01:30Z",
        "when_unsure": "closed",
    }
    msgspec.json.decode(answer.content, type=GuardRuling)


def test_the_second_is_refused_while_the_first_has_its_grant(api):
    api.post("/v1/guard", ASK)
    second = api.post("/v1/guard", {**ASK, "attempt": "g2"}).json()
    assert (second["decision"], second["lease_until"]) == ("refuse", None)
    assert "g1" in second["why"]


def test_what_is_complete_already_is_skipped(api, warehouse):
    warehouse.write("de", "fr")
    assert api.post("/v1/guard", ASK).json()["decision"] == "skip"


def test_what_is_half_done_on_append_is_refused(api, warehouse):
    warehouse.write("de")
    assert api.post("/v1/guard", ASK).json()["decision"] == "refuse"


def test_an_attempt_by_hand_is_a_run_of_its_own_without_due(api):
    ruling = api.post("/v1/guard", {**ASK, "lane": "manual"}).json()
    assert (ruling["due"], ruling["run"]) == (None, "nightly/~g1")


def test_a_due_with_an_offset_is_told_in_utc(api):
    ruling = api.post("/v1/guard", {**ASK, "due": "2026-04-02T04:00:00+02:00"}).json()
    assert ruling["due"] == "2026-04-02T02:00:00Z"


def test_an_unknown_job_is_not_found(api):
    assert api.post("/v1/guard", {**ASK, "job": "nightyl"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"job": 3}, "$.job"),
        ({"job": ""}, "$.job"),
        ({"attempt": "~x"}, "$.attempt"),
        ({"attempt": "x" * 201}, "$.attempt"),
        ({"due": "2026-04-03T02:00:00"}, "$.due"),
        ({"due": "2026-04-05T02:00:00Z"}, "$.due"),
        ({"due": "0001-01-01T00:00:00Z"}, "$.due"),
        ({"due": "9999-12-31T23:59:59-23:00"}, "$.due"),
        ({"lane": "nightly"}, "$.lane"),
        ({"mode": "force"}, "$.mode"),
        ({"when_unsure": "maybe"}, "$.when_unsure"),
        ({"partition": "eu"}, "$.partition"),
        ({"override": {"by": "anna"}}, "reason"),
        ({"override": {"reason": "it must run"}}, "by"),
        ({"lane": "backfill"}, "due"),
        ({"forse": True}, "forse"),
    ],
)
def test_a_question_that_makes_no_sense_says_where(api, change, place):
    answer = api.as_operator().post("/v1/guard", {**ASK, **change})
    assert answer.status_code == 422
    assert place in answer.json()["detail"]


def test_a_word_that_is_none_is_answered_with_those_that_are(api):
    detail = api.post("/v1/guard", {**ASK, "when_unsure": "maybe"}).json()["detail"]
    assert "expected one of open, closed" in detail


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_a_body_that_is_no_json_cannot_be_read(api, body):
    assert api.post("/v1/guard", body).status_code == 400


def test_a_question_has_no_need_of_many_bytes(api):
    assert api.post("/v1/guard", b" " * 70_000).status_code == 413


OVERRIDE = {**ASK, "override": {"by": "anna", "reason": "the partner waits"}}


def test_an_override_runs_what_the_guard_refuses_and_is_kept(api, warehouse):
    warehouse.write("de")
    ruling = api.as_operator().post("/v1/guard", OVERRIDE).json()
    assert ruling["decision"] == "allow"
    assert "anna" in ruling["why"]
    (kept,) = api.get("/v1/runs/nightly/2026-04-03T02:00:00Z").json()["guard"]
    assert (kept["decision"], kept["override_by"]) == ("allow", "anna")


def test_an_override_takes_an_operate_token_though_the_guard_is_open(api):
    assert api.post("/v1/guard", OVERRIDE).status_code == 401


@pytest.mark.parametrize("blank", [{"by": "  ", "reason": "x"}, {"by": "anna", "reason": " "}])
def test_blanks_name_nobody_and_no_reason(api, blank):
    assert api.as_operator().post("/v1/guard", {**ASK, "override": blank}).status_code == 422
