"""``POST /v1/verify``: ask the destination now."""

from itertools import islice

import msgspec
from starlette.responses import Response

from verifier.engine.due import declared_slots
from verifier.engine.service import Service, UnknownJob
from verifier.intake.wire import Moment, Short
from verifier.runs.binding import RunKey
from verifier.runs.instant import MICROSECOND
from verifier.web.access import Right
from verifier.web.body import BODY_PROBLEMS, JSON, read_model
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import ProblemKind
from verifier.web.refusals import invalid, known_partition, told_as_problems, utc
from verifier.web.shapes import Verified

MAX_RUNS = 1_000
"""Occurrences in the span of one request; more are to be asked for piece by piece."""


class WireVerify(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to"},
):
    """Which runs to evaluate: the one at ``due``, all in ``[from, to)`` so far, or the last."""

    job: Short
    due: Moment | None = None
    start: Moment | None = None
    end: Moment | None = None
    partition: Short | None = None


async def post_verify(asked: Asked) -> Response:
    """Evaluate runs, wait for settle and for the confirming look; then how they stand.

    It may take several settles. A client that is gone by then has lost nothing: what
    was found is in the ledger.
    """
    wire = await read_model(asked.request, WireVerify)
    return json_response(await asked.crew.verify.run(lambda: verify(asked.service, wire)))


def verify(service: Service, wire: WireVerify) -> bytes:
    """The answer; raises ``HttpProblem`` and ``LedgerUnavailable``."""
    with told_as_problems():
        return encode({"runs": service.verify(_keys(service, wire))})


def _keys(service: Service, wire: WireVerify) -> list[RunKey]:
    due, start, end = utc(wire.due, "due"), utc(wire.start, "from"), utc(wire.end, "to")
    histories = service.ledger.histories()
    history = histories.get(wire.job)
    if history is None:
        raise UnknownJob(wire.job, histories)
    known_partition(service, wire.job, wire.partition)
    if due is not None and (start is not None or end is not None):
        raise invalid("Expected either due or from and to, got both", "due")
    if due is not None and due > service.clock():
        raise invalid("Expected an instant that has passed", "due")
    if (start is None) != (end is None):
        raise invalid("Expected from and to, got one of them", "to" if end is None else "from")
    if start is not None and end is not None:
        if end <= start:
            raise invalid("Expected an instant after from", "to")
        # What has not come due yet has nothing to show.
        end = min(end, service.clock() + MICROSECOND)
        if end <= start:
            return []
        spanned = sum(1 for _ in islice(declared_slots(history, start, end), MAX_RUNS + 1))
        if spanned > MAX_RUNS:
            raise invalid(f"Expected a span of at most {MAX_RUNS} occurrences, got more", "to")
    return service.runs_to_verify(wire.job, due=due, start=start, end=end, partition=wire.partition)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/verify",
        summary="Evaluate runs now, wait for the confirming look, and tell how they stand",
        right=Right.USE,
        answer=post_verify,
        takes={JSON: WireVerify},
        gives=Verified,
        problems=(*BODY_PROBLEMS, ProblemKind.NOT_FOUND, ProblemKind.UNAVAILABLE),
    ),
)
