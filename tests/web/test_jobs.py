import msgspec

from verifier.web.shapes import Job, Jobs


def test_every_declared_job_is_listed_by_name(api):
    answer = api.get("/v1/jobs")
    jobs = msgspec.json.decode(answer.content, type=Jobs).jobs
    assert [job.job for job in jobs] == ["beat", "nightly"]
    assert jobs[1].next_due == "2026-04-04T02:00:00Z"


def test_one_job_is_as_in_the_list(api):
    answer = api.get("/v1/jobs/nightly")
    msgspec.json.decode(answer.content, type=Job)
    assert answer.json() == api.get("/v1/jobs").json()["jobs"][1]


def test_an_unknown_job_is_not_found_by_that_name(api):
    answer = api.get("/v1/jobs/nightyl")
    assert answer.status_code == 404
    assert "nightyl" in answer.json()["detail"]
