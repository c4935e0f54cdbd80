import json
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.intake.wire import MAX_ITEMS
from verifier.intake.writer import Full, Writer
from verifier.ledger.listing import RunFilter
from verifier.web.body import MAX_SIGNALS

NDJSON = {"Content-Type": "application/x-ndjson"}
RECEIPT = {"accepted": 1, "duplicates": 0, "rejected": []}


def lines(*items):
    return b"\n".join(json.dumps(item).encode() for item in items)


def test_one_signal_is_accepted(api, signal):
    answer = api.post("/v1/signals", signal("started"))
    assert answer.status_code == 200
    assert answer.json() == RECEIPT


def test_an_array_is_accepted(api, signal):
    answer = api.post("/v1/signals", [signal("started"), signal("heartbeat")])
    assert answer.json() == {**RECEIPT, "accepted": 2}


def test_lines_are_accepted_and_blank_ones_are_none(api, signal):
    body = lines(signal("started")) + b"\n\n" + lines(signal("heartbeat")) + b"\r\n"
    answer = api.post("/v1/signals", body, headers=NDJSON)
    assert answer.json() == {**RECEIPT, "accepted": 2}


@pytest.mark.parametrize(("body", "headers"), [(b"[]", {}), (b"", NDJSON)])
def test_no_signals_are_nothing_to_complain_of(api, body, headers):
    answer = api.post("/v1/signals", body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {**RECEIPT, "accepted": 0})


def test_the_same_signal_again_is_a_duplicate_whatever_else_it_says(api, signal):
    api.post("/v1/signals", signal("started", id="s1"))
    answer = api.post("/v1/signals", signal("failed", id="s1"))
    assert answer.json() == {"accepted": 0, "duplicates": 1, "rejected": []}


def test_what_was_accepted_is_in_the_ledger_when_it_is_answered(api, signal, service):
    api.post("/v1/signals", signal("started"))
    (row,) = service.ledger.runs(RunFilter(job="nightly"))
    assert service.run(row.run_id)["reported"] == "running"


@pytest.mark.parametrize(
    ("change", "code", "retriable"),
    [
        ({"job": "nightyl"}, "unknown_job", True),
        ({"job": "../../x"}, "unknown_job", True),
        ({"kind": "begun"}, "not_a_signal", False),
        ({"at": "2026-04-03T02:10:00"}, "bad_time", False),
        ({"at": "yesterday"}, "bad_time", False),
        ({"at": "2026-04-05T02:10:00Z"}, "future_time", False),
        ({"at": "0001-01-01T00:00:00+14:00"}, "bad_time", False),
        ({"due": "9999-12-31T23:59:59-14:00"}, "bad_time", False),
        ({"progress": {"done": -1}}, "not_a_signal", False),
        ({"partition": "eu"}, "unknown_partition", False),
        ({"lane": "backfill"}, "due_needed", False),
        ({"id": "silence/a1/x"}, "reserved", False),
        ({"jobs": "nightly"}, "not_a_signal", False),
    ],
)
def test_a_bad_signal_is_refused_alone_and_the_good_ones_are_kept(
    api, signal, change, code, retriable
):
    batch = [signal("started"), signal("heartbeat") | change, signal("succeeded")]
    answer = api.post("/v1/signals", batch)
    assert answer.status_code == 200
    receipt = answer.json()
    assert receipt["accepted"] == 2
    (rejection,) = receipt["rejected"]
    assert (rejection["index"], rejection["code"]) == (1, code)
    assert rejection["retriable"] is retriable
    assert rejection["detail"]


def test_a_line_that_is_no_json_is_refused_alone(api, signal):
    body = b"\n".join([lines(signal("started")), b"{", lines(signal("succeeded"))])
    receipt = api.post("/v1/signals", body, headers=NDJSON).json()
    assert receipt["accepted"] == 2
    assert [(each["index"], each["code"]) for each in receipt["rejected"]] == [(1, "not_json")]


@pytest.mark.parametrize(
    "body",
    [b"", b"garbage", b'{"job":', b"[{}, ", b"\xff\xfe", b"[" * 100_000],
)
def test_a_body_that_cannot_be_read_is_a_problem(api, body):
    answer = api.post("/v1/signals", body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:landed:problem:unreadable")


@pytest.mark.parametrize("body", [b"null", b"3", b'"started"', b"{}"])
def test_json_that_is_no_signal_is_refused_as_one(api, body):
    answer = api.post("/v1/signals", body)
    assert answer.status_code == 200
    assert [each["code"] for each in answer.json()["rejected"]] == ["not_a_signal"]


def test_a_body_beyond_the_limit_is_refused_by_its_length(api):
    answer = api.post("/v1/signals", b" " * (MAX_SIGNALS + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:landed:problem:too_large")


def test_more_signals_than_a_batch_may_have_are_refused_whole(api):
    answer = api.post("/v1/signals", b"[" + b"1," * MAX_ITEMS + b"1]")
    assert answer.status_code == 413
    assert str(MAX_ITEMS) in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_another_type_of_body_is_refused(api, signal, headers):
    answer = api.post("/v1/signals", signal("started"), headers=headers)
    assert answer.status_code == 415


def test_a_ledger_that_is_locked_is_503_and_the_same_batch_is_taken_later(lock, api, signal):
    release = lock()
    answer = api.post("/v1/signals", signal("started"))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    release()
    assert api.post("/v1/signals", signal("started")).json() == RECEIPT


TEXT = st.one_of(
    st.sampled_from(["", "nightly", "started", "~a", "silence/x", "\x00", "x" * 201]),
    st.text(max_size=5),
)
MOMENT = st.sampled_from(
    [
        "2026-04-03T02:10:00Z",
        "2026-04-03T02:10:00",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:05:00Z",
        "1600-02-29T23:59:59.999999-23:59",
        "9999-12-31T23:59:59Z",
        "2026-04-03T25:00:00Z",
        "",
    ]
)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), FLOAT, TEXT, MOMENT, st.just(10**400))
ANYTHING = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
ALMOST = st.fixed_dictionaries(
    {
        "job": st.sampled_from(["nightly", "beat", "nobody"]),
        "kind": st.sampled_from(["started", "succeeded", "progress", "skipped", "created", "x"]),
        "at": MOMENT,
    },
    optional={
        "id": SCALAR,
        "due": MOMENT,
        "partition": SCALAR,
        "lane": st.sampled_from(["live", "backfill", "rerun", "manual", "x"]),
        "attempt": TEXT,
        "worker": SCALAR,
        "reason": SCALAR,
        "exit_code": SCALAR,
        "lease_until": MOMENT,
        "next_retry_at": MOMENT,
        "end_proof": st.sampled_from(["exit", "none", "x"]),
        "effect": ANYTHING,
        "progress": st.dictionaries(st.sampled_from(["done", "total", "checkpoint"]), SCALAR),
        "labels": ANYTHING,
    },
)
FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(body=st.binary(max_size=60), ndjson=st.booleans())
def test_whatever_bytes_come_it_is_never_our_defect(api, body, ndjson):
    answer = api.post("/v1/signals", body, headers=NDJSON if ndjson else {})
    assert answer.status_code in (200, 400)


@pytest.mark.slow
def test_whatever_else_a_batch_holds_its_good_signals_are_kept(api, signal):
    number = count()

    @FUZZ
    @given(bad=st.lists(ANYTHING | ALMOST, max_size=6))
    def holds(bad):
        good = [signal("heartbeat", id=f"good/{next(number)}") for _ in range(2)]
        answer = api.post("/v1/signals", [good[0], *bad, good[1]])
        assert answer.status_code == 200
        receipt = answer.json()
        assert receipt["accepted"] + receipt["duplicates"] + len(receipt["rejected"]) == (
            len(bad) + 2
        )
        assert api.post("/v1/signals", good).json() == {**RECEIPT, "accepted": 0, "duplicates": 2}

    holds()
    assert api.get("/v1/runs").status_code == 200
    assert api.get("/v1/jobs").status_code == 200


def test_where_too_much_waits_to_be_written_the_sender_is_told_when_to_come_again(
    api, signal, monkeypatch
):
    def full(_self, _ticket):
        raise Full("50000 signals wait to be written: try again later")

    with monkeypatch.context() as busy:
        busy.setattr(Writer, "submit", full)
        answer = api.post("/v1/signals", signal("started"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["type"] == "urn:landed:problem:busy"
    assert api.post("/v1/signals", signal("started")).json()["accepted"] == 1


def test_a_name_that_no_database_can_keep_is_refused_and_a_reason_with_it_is_kept(api, signal):
    for name in ("id", "attempt", "worker"):
        answer = api.post("/v1/signals", signal("started", **{name: "a\0b"})).json()
        assert [each["code"] for each in answer["rejected"]] == ["not_a_signal"]
    said = signal("failed", reason="core dumped\0")
    assert api.post("/v1/signals", said).json()["accepted"] == 1
