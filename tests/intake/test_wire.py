"""Signals as they are sent: what is read, what is refused and why."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from verifier.intake.receipt import Refused, RejectCode
from verifier.intake.wire import MAX_ITEMS, MAX_REASON, TooManySignals, read_signal, split_body
from verifier.runs.signal import Kind

NOW = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)


def item(**more: object) -> bytes:
    base = {"job": "j", "kind": "started", "at": "2026-04-02T02:00:00Z"}
    return msgspec.json.encode(base | more)


def refusal(**more: object) -> RejectCode:
    with pytest.raises(Refused) as refused:
        read_signal(item(**more), NOW)
    return refused.value.code


def test_a_signal_is_read_and_its_instants_are_utc() -> None:
    signal = read_signal(item(at="2026-04-02T04:00:00+02:00", due="2026-04-02T02:00:00Z"), NOW)
    assert (signal.kind, signal.at, signal.due) == (Kind.STARTED, NOW, NOW)
    assert signal.at.tzinfo is UTC


def test_the_same_body_without_an_id_is_the_same_signal() -> None:
    assert read_signal(item(), NOW).id == read_signal(item(), NOW + timedelta(1)).id
    assert read_signal(item(), NOW).id != read_signal(item(worker="w"), NOW).id


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"at": "2026-04-02T02:00:00"}, RejectCode.BAD_TIME),
        ({"at": "yesterday"}, RejectCode.BAD_TIME),
        ({"at": "1999-12-31T23:59:59Z"}, RejectCode.BAD_TIME),
        ({"due": "0001-01-01T00:05:00Z"}, RejectCode.BAD_TIME),
        ({"lease_until": "9999-12-31T23:59:59-14:00"}, RejectCode.BAD_TIME),
        ({"at": "2026-04-03T02:00:01Z"}, RejectCode.FUTURE_TIME),
        ({"due": "2026-04-04T02:00:00Z"}, RejectCode.FUTURE_TIME),
        ({"kind": "exploded"}, RejectCode.NOT_A_SIGNAL),
        ({"job": ""}, RejectCode.NOT_A_SIGNAL),
        ({"jbo": "x"}, RejectCode.NOT_A_SIGNAL),
        ({"progress": {"done": -1}}, RejectCode.NOT_A_SIGNAL),
        ({"exit_code": 2**40}, RejectCode.NOT_A_SIGNAL),
        ({"labels": {str(n): "" for n in range(21)}}, RejectCode.NOT_A_SIGNAL),
        ({"id": "silence/a/b"}, RejectCode.RESERVED),
        ({"attempt": "~x"}, RejectCode.RESERVED),
        ({"lane": "backfill"}, RejectCode.DUE_NEEDED),
        ({"lane": "rerun"}, RejectCode.DUE_NEEDED),
        ({"lane": "manual"}, RejectCode.ATTEMPT_NEEDED),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_reason(
    more: dict[str, object], code: RejectCode
) -> None:
    assert refusal(**more) is code


@pytest.mark.parametrize("text", [b"", b"{", b"nonsense", b'"\xff"', b"[" * 5000])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_signal(text, NOW)
    assert refused.value.code in (RejectCode.NOT_JSON, RejectCode.NOT_A_SIGNAL)


def test_a_little_future_is_kept_and_flagged() -> None:
    assert not read_signal(item(at="2026-04-02T02:00:04Z"), NOW).skewed
    assert read_signal(item(at="2026-04-02T12:00:00Z"), NOW).skewed


def test_a_long_reason_is_cut_and_kept() -> None:
    reason = read_signal(item(reason="x" * 50_000), NOW).reason
    assert reason is not None
    assert len(reason) == MAX_REASON


def test_a_body_is_one_object_an_array_or_one_a_line() -> None:
    one = item()
    assert split_body(one, ndjson=False) == [one]
    assert len(split_body(b"[" + one + b"," + one + b"]", ndjson=False)) == 2
    assert split_body(one + b"\n\n" + one + b"\n", ndjson=True) == [one, one]


def test_one_item_that_is_no_text_leaves_the_others_readable() -> None:
    body = b"[" + item() + b',{"job":"\\ud800"}]'
    good, bad = split_body(body, ndjson=False)
    assert read_signal(good, NOW).job == "j"
    with pytest.raises(Refused):
        read_signal(bad, NOW)


@pytest.mark.parametrize("body", [b"[", b"[1,", b"[" * 100_000, b"[\xff]"])
def test_an_array_that_cannot_be_read_is_told_so(body: bytes) -> None:
    with pytest.raises(ValueError, match="expected a JSON array"):
        split_body(body, ndjson=False)


def test_too_many_items_are_refused_whole() -> None:
    with pytest.raises(TooManySignals, match=str(MAX_ITEMS)):
        split_body(b"[" + b"1," * MAX_ITEMS + b"1]", ndjson=False)
