"""The signal as it is sent: JSON, decoded and checked by msgspec."""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated

import msgspec

from verifier.intake.receipt import Refused, RejectCode
from verifier.runs.instant import format_instant
from verifier.runs.signal import (
    ANONYMOUS,
    SILENCE,
    EffectNote,
    EndProof,
    Kind,
    Lane,
    Progress,
    Signal,
)

MAX_ITEMS = 10_000
"""Signals in one batch; a larger body is refused whole."""

MAX_REASON = 2_000
"""Characters of a reason that are kept; a longer one is cut, not refused."""

FUTURE_LIMIT = timedelta(hours=24)
"""An instant further ahead than this is refused."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Instants outside of these are a defect of the sender, and no calendar reaches there."""

SKEW_TOLERANCE = timedelta(seconds=5)
"""An instant further ahead than this is kept and flagged."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
LabelValue = Annotated[str, msgspec.Meta(max_length=500)]
Labels = Annotated[dict[Short, LabelValue], msgspec.Meta(max_length=20)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e18)]

_TIMES = re.compile(r"\$\.(at|due|lease_until|next_retry_at)\b")


class WireProgress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``progress`` of a signal."""

    done: Amount | None = None
    total: Amount | None = None
    checkpoint: Short | None = None


class WireEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``effect`` of a signal."""

    begun: bool
    surface: Short | None = None


class WireSignal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One signal as the contract has it."""

    job: Short
    kind: Kind
    at: Moment
    id: Short | None = None
    due: Moment | None = None
    partition: Short | None = None
    lane: Lane | None = None
    attempt: Short | None = None
    worker: Short | None = None
    reason: Annotated[str, msgspec.Meta(max_length=65_536)] | None = None
    exit_code: Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)] | None = None
    lease_until: Moment | None = None
    next_retry_at: Moment | None = None
    end_proof: EndProof | None = None
    effect: WireEffect | None = None
    progress: WireProgress | None = None
    labels: (
        Annotated[
            dict[Short, Annotated[str, msgspec.Meta(max_length=500)]], msgspec.Meta(max_length=20)
        ]
        | None
    ) = None


class TooManySignals(ValueError):
    """More signals in one body than are taken at a time."""


Item = bytes | msgspec.Raw | WireSignal
"""One signal of a body as it came, or decoded where all of them could be."""

_DECODER = msgspec.json.Decoder(WireSignal)
_DECODER_OF_ALL = msgspec.json.Decoder(list[WireSignal])


def split_body(body: bytes, *, ndjson: bool) -> list[Item]:
    """The items of a body: one object, an array, or one object a line.

    Raises ``ValueError`` where an array cannot be read at all, and
    ``TooManySignals`` where there are more than ``MAX_ITEMS`` items.
    """
    items: list[Item]
    if ndjson:
        items = [line for line in body.splitlines() if line.strip()]
    elif body.lstrip()[:1] == b"[":
        items = _split_array(body)
    else:
        items = [body]
    if len(items) > MAX_ITEMS:
        raise TooManySignals(f"expected at most {MAX_ITEMS} signals, found {len(items)}")
    return items


def _split_array(body: bytes) -> list[Item]:
    if _NUL not in body:
        # All in one go, and one by one only where one of them is bad.
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return list(_DECODER_OF_ALL.decode(body))
    try:
        return list(msgspec.json.decode(body, type=list[msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = error
    try:
        # Slower, and lenient where one item holds a text that is no text: the others
        # are good, and that one is refused when it is read.
        return [json.dumps(item).encode() for item in json.loads(body)]
    except (ValueError, RecursionError):
        raise ValueError(f"expected a JSON array of signals: {why}") from None


def read_signal(item: Item, now: datetime) -> Signal:
    """The signal in ``item``, checked by itself; ``now`` tells what lies in the future.

    Raises ``Refused``. A signal without an id gets one made of its content, so that
    the same body sent twice is one signal.
    """
    wire = item if isinstance(item, WireSignal) else _decode(item)
    _refuse_reserved(wire)
    _refuse_unbound(wire)
    at = _utc(wire.at, "at")
    due = None if wire.due is None else _utc(wire.due, "due")
    if at > now:
        _refuse_future(at, "at", now)
    if due is not None:
        _refuse_future(due, "due", now)
    return Signal(
        job=wire.job,
        kind=wire.kind,
        at=at,
        id=wire.id or _content_id(wire),
        due=due,
        partition=wire.partition,
        lane=wire.lane,
        attempt=wire.attempt,
        worker=wire.worker,
        reason=wire.reason[:MAX_REASON] if wire.reason else None,
        exit_code=wire.exit_code,
        lease_until=None if wire.lease_until is None else _utc(wire.lease_until, "lease_until"),
        next_retry_at=(
            None if wire.next_retry_at is None else _utc(wire.next_retry_at, "next_retry_at")
        ),
        end_proof=wire.end_proof,
        effect=(
            None
            if wire.effect is None
            else EffectNote(begun=wire.effect.begun, surface=wire.effect.surface)
        ),
        progress=(
            None
            if wire.progress is None
            else Progress(
                done=wire.progress.done,
                total=wire.progress.total,
                checkpoint=wire.progress.checkpoint,
            )
        ),
        labels=wire.labels,
        skewed=at > now and at > now + SKEW_TOLERANCE,
    )


def _decode(item: bytes | msgspec.Raw) -> WireSignal:
    try:
        wire = _DECODER.decode(item)
    except msgspec.ValidationError as error:
        code = RejectCode.BAD_TIME if _TIMES.search(str(error)) else RejectCode.NOT_A_SIGNAL
        raise Refused(code, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(RejectCode.NOT_JSON, f"expected a JSON object: {error}") from None
    if _NUL in bytes(item):
        _refuse_nul(wire)
    return wire


_NUL = b"\\u0000"


def _refuse_nul(wire: WireSignal) -> None:
    """No database keeps it in a text; what is only shown may have it."""
    for name in ("job", "id", "partition", "attempt", "worker"):
        if "\0" in (getattr(wire, name) or ""):
            raise Refused(RejectCode.NOT_A_SIGNAL, f"expected {name} without NUL characters")


def _refuse_reserved(wire: WireSignal) -> None:
    if wire.id is not None and wire.id.startswith(SILENCE):
        raise Refused(RejectCode.RESERVED, f"expected an id that does not begin with {SILENCE!r}")
    if wire.attempt is not None and wire.attempt.startswith(ANONYMOUS):
        raise Refused(
            RejectCode.RESERVED, f"expected an attempt that does not begin with {ANONYMOUS!r}"
        )


def _refuse_unbound(wire: WireSignal) -> None:
    if wire.due is not None or wire.lane in (None, Lane.LIVE):
        return
    if wire.lane is not Lane.MANUAL:
        raise Refused(RejectCode.DUE_NEEDED, f"expected due: a {wire.lane} is of a known run")
    if wire.attempt is None:
        raise Refused(
            RejectCode.ATTEMPT_NEEDED, "expected attempt: a manual run without due is named by it"
        )


def _refuse_future(moment: datetime, name: str, now: datetime) -> None:
    if moment > now + FUTURE_LIMIT:
        raise Refused(
            RejectCode.FUTURE_TIME,
            f"expected `{name}` to lie at most 24 h ahead, found {format_instant(moment)}",
        )


def _utc(moment: datetime, name: str) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise Refused(
            RejectCode.BAD_TIME,
            f"expected `{name}` between the years {EARLIEST.year} and {LATEST.year}, "
            f"found the year {moment.year}",
        )
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _content_id(wire: WireSignal) -> str:
    body = msgspec.json.encode(wire, order="deterministic")
    return f"content/{blake2b(body, digest_size=16).hexdigest()}"
