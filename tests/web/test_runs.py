from urllib.parse import quote

import msgspec
import pytest

from verifier.web.shapes import Run, Runs

PATH = "nightly/2026-04-03T02:00:00Z"


@pytest.fixture
def told(api, signal):
    """Three attempts of three nights, on two workers."""
    for night, worker in (("01", "a"), ("02", "b"), ("03", "b")):
        more = {
            "attempt": night,
            "at": f"2026-04-{night}T02:10:00Z",
            "due": f"2026-04-{night}T02:00:00Z",
            "worker": worker,
        }
        api.post("/v1/signals", [signal("started", **more), signal("failed", **more)])
    return api


def dues(answer):
    return [run["due"] for run in answer.json()["runs"]]


def test_runs_come_newest_first_as_documents(told):
    answer = told.get("/v1/runs")
    assert dues(answer) == [f"2026-04-0{night}T02:00:00Z" for night in (3, 2, 1)]
    page = msgspec.json.decode(answer.content, type=Runs)
    assert (page.next, page.runs[0].reported) == (None, "failed")


def test_pages_follow_each_other_by_their_cursor(told):
    first = told.get("/v1/runs?limit=2").json()
    second = told.get(f"/v1/runs?limit=2&cursor={first['next']}").json()
    assert (len(first["runs"]), len(second["runs"])) == (2, 1)
    assert second["next"] is None
    assert len({run["run_id"] for run in first["runs"] + second["runs"]}) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("job=nightly", 3),
        ("job=beat", 0),
        ("worker=b", 2),
        ("since=2026-04-02T02:00:00Z", 2),
        ("until=2026-04-02T02:00:00Z", 1),
        ("since=2026-04-02T04:00:00%2B02:00&until=2026-04-03T02:00:00Z", 1),
        ("verdict=verified", 0),
        ("lane=live", 3),
        ("lane=other", 0),
        ("partition=", 3),
        ("partition=eu", 0),
    ],
)
def test_filters_leave_what_matches(told, query, found):
    assert len(told.get(f"/v1/runs?{query}").json()["runs"]) == found


@pytest.mark.parametrize(
    "query",
    [
        "verdict=lost",
        "lane=manual",
        "limit=0",
        "limit=1001",
        "limit=many",
        "since=friday",
        "since=2026-04-02T04:00:00",
        "since=2026-04-02T04:00:00+02:00",
        "cursor=x",
        "cursor=99999999999999999999.r",
        "jobs=nightly",
        "job=nightly&job=beat",
        "worker=" + "x" * 300,
    ],
)
def test_a_filter_that_is_none_is_told_and_never_left_out(told, query):
    answer = told.get(f"/v1/runs?{query}")
    assert answer.status_code == 422
    assert query.split("=")[0] in answer.json()["detail"]


def test_a_plus_that_became_a_blank_is_explained(told):
    answer = told.get("/v1/runs?since=2026-04-02T04:00:00+02:00")
    assert "%2B" in answer.json()["detail"]


def test_a_verdict_that_is_none_is_answered_with_those_that_are(told):
    assert "partial" in told.get("/v1/runs?verdict=lost").json()["detail"]


def test_runs_of_an_unknown_job_are_not_found_rather_than_none(told):
    assert told.get("/v1/runs?job=nightyl").status_code == 404


def test_a_run_is_found_by_its_id_and_by_its_path_encoded_or_not(told):
    by_path = told.get(f"/v1/runs/{PATH}").json()
    assert by_path["run"] == PATH
    for reference in (
        by_path["run_id"],
        quote(PATH, safe=""),
        quote(PATH, safe="/"),
        "nightly/2026-04-03T04:00:00%2B02:00",
        "nightly/2026-04-03T04:00:00+02:00",
    ):
        assert told.get(f"/v1/runs/{reference}").json() == by_path


def test_a_run_document_has_exactly_the_published_fields(told):
    answer = told.get(f"/v1/runs/{PATH}")
    run = msgspec.json.decode(answer.content, type=Run)
    assert (run.job, run.due) == ("nightly", "2026-04-03T02:00:00Z")
    assert set(answer.json()) >= {
        each.encode_name for each in msgspec.structs.fields(Run) if each.required
    }


@pytest.mark.parametrize(
    "reference",
    ["r000000000000000000000000", "nightyl/2026-04-03T02:00:00Z", "nightly/2020-01-01T02:00:00Z"],
)
def test_an_unknown_run_is_not_found(told, reference):
    assert told.get(f"/v1/runs/{reference}").status_code == 404


@pytest.mark.parametrize("reference", ["nightly/yesterday", "nightly/", "/x", "nightly/2026-04-03"])
def test_what_names_no_run_says_what_does(told, reference):
    answer = told.get(f"/v1/runs/{reference}")
    assert answer.status_code == 422
    assert "expected" in answer.json()["detail"]


def test_a_run_by_hand_has_a_path_too(api, signal):
    api.post("/v1/signals", signal("started", lane="manual", attempt="by hand/1"))
    (run,) = api.get("/v1/runs?job=nightly").json()["runs"]
    assert api.get(f"/v1/runs/{run['run']}").json()["run_id"] == run["run_id"]
