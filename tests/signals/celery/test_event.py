"""Hostile and broken messages: kept out, counted by reason, and never in the way."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.intake.receipt import RejectCode
from verifier.signals.celery.event import MAX_BODY, Event, read_events

GOOD = {"type": "task-started", "timestamp": 1795521600.5, "hostname": "w1@vm", "uuid": "u1"}


class Reading:
    """Reads a message, and keeps why something was refused."""

    def __init__(self, build: Any) -> None:
        self._now = build.noon
        self.codes: list[RejectCode] = []
        self.examples: list[str] = []

    def __call__(self, body: object) -> list[Event]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return read_events(raw, self._now, self._refuse)

    def _refuse(self, code: RejectCode, example: str) -> None:
        self.codes.append(code)
        self.examples.append(example)


@pytest.fixture
def reading(build: Any) -> Reading:
    return Reading(build)


def test_an_event_alone_and_events_together_are_read(reading: Reading) -> None:
    (alone,) = reading(GOOD)
    assert alone.uuid == "u1"
    assert len(reading([GOOD, GOOD])) == 2
    assert reading.codes == []


def test_a_worker_elsewhere_is_not_shifted_by_its_offset(reading: Reading, build: Any) -> None:
    (event,) = reading(GOOD | {"utcoffset": 5})
    assert event.at == build.noon + timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", RejectCode.UNREADABLE),
        (b"{", RejectCode.UNREADABLE),
        (b"\xff\xfe", RejectCode.UNREADABLE),
        (b'{"type": "task-sent\xff"}', RejectCode.UNREADABLE),
        (b"[" * 100_000, RejectCode.UNREADABLE),
        (b'{"a":' * 100_000, RejectCode.UNREADABLE),
        (b"null", RejectCode.UNREADABLE),
        (b" " * (MAX_BODY + 1), RejectCode.TOO_LARGE),
        ({}, RejectCode.UNREADABLE),
        (GOOD | {"uuid": 7}, RejectCode.UNREADABLE),
        (GOOD | {"uuid": "u" * 151}, RejectCode.UNREADABLE),
        (GOOD | {"uuid": "u\0"}, RejectCode.UNREADABLE),
        (GOOD | {"hostname": ["w1"]}, RejectCode.UNREADABLE),
        (GOOD | {"timestamp": "noon"}, RejectCode.UNREADABLE),
        (GOOD | {"retries": -1}, RejectCode.UNREADABLE),
        (GOOD | {"timestamp": -1}, RejectCode.BAD_TIME),
        (GOOD | {"timestamp": 1e300}, RejectCode.BAD_TIME),
        (GOOD | {"timestamp": GOOD["timestamp"] - 9 * 86400}, RejectCode.BAD_TIME),  # type: ignore[operator]
        (GOOD | {"timestamp": GOOD["timestamp"] + 25 * 3600}, RejectCode.FUTURE_TIME),  # type: ignore[operator]
        (GOOD | {"timestamp": GOOD["timestamp"] + 1e8}, RejectCode.FUTURE_TIME),  # type: ignore[operator]
    ],
)
def test_what_is_no_event_is_refused_for_its_reason(
    reading: Reading, body: object, code: RejectCode
) -> None:
    assert reading(body) == []
    assert reading.codes == [code]


def test_one_bad_event_does_not_take_the_others_with_it(reading: Reading) -> None:
    events = reading([GOOD, {"type": 1}, [GOOD], GOOD | {"timestamp": -5}, GOOD | {"uuid": "u2"}])
    assert [event.uuid for event in events] == ["u1", "u2"]
    assert reading.codes == [
        RejectCode.UNREADABLE, RejectCode.UNREADABLE, RejectCode.BAD_TIME,
    ]  # fmt: skip


@given(body=st.binary(max_size=200))
def test_no_bytes_stop_the_reader(body: bytes, build: Any) -> None:
    reading = Reading(build)
    assert reading(body) == []
    assert len(reading.codes) <= 1


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from([*Event.__struct_fields__]), inner, max_size=6)
        ),
        max_leaves=20,
    )
)
def test_no_document_stops_the_reader_nor_what_comes_after(
    document: Any, build: Any, listening: Any
) -> None:
    reading = Reading(build)
    try:
        body = msgspec.json.encode(document)
    except msgspec.MsgspecError:
        return
    heard = listening([build.job("ping")])
    heard.hear(reading(body))
    heard.hear([build.event("task-received", name="capp.ping", uuid="after")])
    assert "after" in heard.attempts()
