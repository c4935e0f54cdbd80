from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.signal import Kind
from verifier.signals.ping import MAX_OUTPUT, BadPing, Ping, read_ping, read_rid, signal_of

NOW = datetime(2026, 4, 3, 2, 10, tzinfo=UTC)
RID = "c0ffee00-0000-4000-8000-000000000001"
UUID = "3f2c1d4e-0000-4000-8000-000000000002"
NAMES = {"nightly", "start", "7"}


@pytest.mark.parametrize(
    ("path", "ping"),
    [
        ("nightly", Ping("nightly", Kind.SUCCEEDED)),
        ("nightly/start", Ping("nightly", Kind.STARTED)),
        ("nightly/fail", Ping("nightly", Kind.FAILED)),
        ("nightly/log", Ping("nightly", Kind.PROGRESS)),
        ("nightly/0", Ping("nightly", Kind.SUCCEEDED, exit_code=0)),
        ("nightly/1", Ping("nightly", Kind.FAILED, exit_code=1)),
        ("nightly/255", Ping("nightly", Kind.FAILED, exit_code=255)),
        ("key/nightly", Ping("nightly", Kind.SUCCEEDED, "key")),
        ("key/nightly/start", Ping("nightly", Kind.STARTED, "key")),
        (UUID, Ping(UUID, Kind.SUCCEEDED)),
        (f"{UUID}/fail", Ping(UUID, Kind.FAILED)),
        # Jobs may be called as actions are.
        ("start", Ping("start", Kind.SUCCEEDED)),
        ("start/start", Ping("start", Kind.STARTED)),
        ("key/start", Ping("start", Kind.SUCCEEDED, "key")),
        ("key/7", Ping("7", Kind.SUCCEEDED, "key")),
        ("nightly/7", Ping("nightly", Kind.FAILED, exit_code=7)),
    ],
)
def test_the_path_says_what_is_pinged_and_how(path, ping):
    assert read_ping(path.split("/"), NAMES) == ping


@pytest.mark.parametrize(
    "path", ["", "nightly/256", "nightly/00000000256", "nightly/", "/nightly", "a/b/c", "a/b/0/d"]
)
def test_another_path_is_no_ping(path):
    with pytest.raises(BadPing, match=r"^invalid url format$") as bad:
        read_ping(path.split("/"), NAMES)
    assert bad.value.status == 400


@given(st.lists(st.text(max_size=5) | st.sampled_from(["start", "7", "nightly"]), max_size=5))
def test_any_path_is_a_ping_or_refused(path):
    try:
        ping = read_ping(path, NAMES)
    except BadPing:
        return
    assert ping.name in path


def test_a_run_id_is_a_uuid_in_whatever_case():
    assert read_rid([RID.upper()]) == RID
    assert read_rid([]) is None
    with pytest.raises(BadPing, match=r"^invalid uuid format$"):
        read_rid(["run-7"])


def said(kind, rid=RID, body=b"", numbers=None):
    numbers = numbers or count()
    return signal_of(Ping("x", kind), "nightly", rid, body, NOW, lambda: str(next(numbers)))


def test_the_run_id_is_the_attempt():
    signal = said(Kind.STARTED)
    assert (signal.job, signal.attempt, signal.at) == ("nightly", RID, NOW)


@pytest.mark.parametrize("kind", [Kind.STARTED, Kind.SUCCEEDED, Kind.FAILED])
def test_what_is_sent_again_with_its_run_id_is_the_same_signal(kind):
    numbers = count()
    assert said(kind, numbers=numbers).id == said(kind, numbers=numbers).id


def test_kinds_with_the_same_run_id_are_told_apart():
    assert len({said(kind).id for kind in (Kind.STARTED, Kind.SUCCEEDED, Kind.FAILED)}) == 3


@pytest.mark.parametrize(("kind", "rid"), [(Kind.SUCCEEDED, None), (Kind.PROGRESS, RID)])
def test_what_may_be_said_again_is_another_signal_each_time(kind, rid):
    numbers = count()
    assert said(kind, rid, numbers=numbers).id != said(kind, rid, numbers=numbers).id


def test_the_end_of_the_output_is_kept_whatever_its_bytes():
    assert said(Kind.FAILED, body=b"x" * MAX_OUTPUT + b"disk full").output.endswith("disk full")
    assert len(said(Kind.FAILED, body=b"x" * (MAX_OUTPUT + 1)).output) == MAX_OUTPUT
    assert said(Kind.FAILED, body=b"\xff!").output == "\ufffd!"
    assert said(Kind.FAILED, body=b"").output is None
