import msgspec

from verifier.web.shapes import Sources


def test_every_source_is_told_in_its_shape(api):
    answer = api.get("/v1/sources")
    assert answer.status_code == 200
    assert msgspec.json.decode(answer.content, type=Sources).sources == []


def test_a_configuration_that_was_refused_is_told_until_another_one_is_taken(api, service):
    def told():
        answer = api.get("/v1/sources").content
        return msgspec.json.decode(answer, type=Sources).configuration_refused

    assert told() is None
    service.reload.refused(service.clock(), ["landed.yaml:2:1 LND101 foo: …"])
    assert told().problems == ["landed.yaml:2:1 LND101 foo: …"]
    service.reload.taken()
    assert told() is None


def test_jobs_that_nobody_declared_are_told_whoever_brought_their_signals(api, service):
    started = {"kind": "started", "at": "2026-04-03T02:00:00Z", "attempt": "a1"}
    api.post("/v1/signals", {**started, "job": "nigthly", "id": "1"})
    for _ in range(3):  # who is refused comes again
        api.post("/v1/signals", [{**started, "job": "nigthly", "id": "2"}])
    api.get("/ping/nigthly")
    api.get("/ping/qqq")
    api.post("/v1/signals", {**started, "job": "nightly", "id": "3"})
    told = msgspec.json.decode(api.get("/v1/sources").content, type=Sources).unknown_jobs
    assert [(each.job, each.signals, each.did_you_mean) for each in told] == [
        ("nigthly", 3, "nightly"),
        ("qqq", 1, None),
    ]
