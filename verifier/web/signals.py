"""``POST /v1/signals``: what jobs and schedulers tell."""

from starlette.responses import Response

from verifier.engine.service import Service
from verifier.intake.door import SortedOut
from verifier.intake.receipt import Receipt, RejectCode
from verifier.intake.wire import TooManySignals, WireSignal, split_body
from verifier.intake.writer import Full
from verifier.ledger.signals import Batch
from verifier.ledger.sources import NATIVE
from verifier.web.access import Right
from verifier.web.body import JSON, MAX_SIGNALS, NDJSON, media_type, read_body
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import HttpProblem, ProblemKind

READ_AT_ONCE = 64 * 1024
"""Bytes of a body that are read in a few milliseconds; a larger one takes a thread."""


async def post_signals(asked: Asked) -> Response:
    """Take signals; what is accepted is durable when this answers."""
    ndjson = media_type(asked.request, JSON, NDJSON) == NDJSON
    body = await read_body(asked.request, MAX_SIGNALS)
    service, crew = asked.service, asked.crew
    if len(body) <= READ_AT_ONCE and service.ledger.known_histories:
        read = sort_out(service, body, ndjson=ndjson, known=True)
    else:
        read = None
    if read is None or read.names_unknown_jobs:
        read = await crew.signals.run(lambda: sort_out(service, body, ndjson=ndjson))
    batch = Batch(signals=read.signals, source=NATIVE, received_at=read.received_at)
    try:
        accepted = await crew.written(batch) if read.signals else 0
    except Full as full:
        raise HttpProblem(ProblemKind.BUSY, str(full)) from None
    service.refused(NATIVE, read)
    return json_response(encode(read.receipt(accepted)))


def sort_out(service: Service, body: bytes, *, ndjson: bool, known: bool = False) -> SortedOut:
    """The signals in ``body``; with ``known``, by the jobs that are known without asking.

    Raises ``HttpProblem`` where nothing in it can be read, ``LedgerUnavailable``
    where nobody can tell which jobs there are.
    """
    try:
        items = split_body(body, ndjson=ndjson)
    except TooManySignals as error:
        raise HttpProblem(ProblemKind.TOO_LARGE, str(error)) from None
    except ValueError as error:
        raise HttpProblem(ProblemKind.UNREADABLE, str(error)) from None
    read = service.sort_out(items, known=known)
    if len(items) == 1 and not ndjson and read.rejected:
        only = read.rejected[0]
        if only.code is RejectCode.NOT_JSON:
            service.exposition.meters.refused(NATIVE, read.codes)
            raise HttpProblem(ProblemKind.UNREADABLE, only.detail)
    return read


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/signals",
        summary="Tell what an attempt does: one signal, an array, or one a line",
        right=Right.USE,
        answer=post_signals,
        takes={JSON: WireSignal | list[WireSignal], NDJSON: WireSignal},
        gives=Receipt,
        problems=(
            ProblemKind.UNREADABLE,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
)
