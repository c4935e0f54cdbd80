"""``POST /v1/signals``: what jobs and schedulers tell."""

from starlette.responses import Response

from verifier.engine.listening import NATIVE
from verifier.engine.service import Service
from verifier.intake.receipt import Receipt, RejectCode
from verifier.intake.wire import TooManySignals, WireSignal, split_body
from verifier.web.access import Right
from verifier.web.body import JSON, MAX_SIGNALS, NDJSON, media_type, read_body
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import HttpProblem, ProblemKind


async def post_signals(asked: Asked) -> Response:
    """Take signals; what is accepted is durable when this answers."""
    ndjson = media_type(asked.request, JSON, NDJSON) == NDJSON
    body = await read_body(asked.request, MAX_SIGNALS)
    receipt = await asked.crew.signals.run(lambda: take(asked.service, body, ndjson=ndjson))
    return json_response(encode(receipt))


def take(service: Service, body: bytes, *, ndjson: bool) -> Receipt:
    """Hand the signals in ``body`` to the ledger.

    Raises ``HttpProblem`` where nothing in it can be read, ``LedgerUnavailable``
    where nothing could be kept.
    """
    try:
        items = split_body(body, ndjson=ndjson)
    except TooManySignals as error:
        raise HttpProblem(ProblemKind.TOO_LARGE, str(error)) from None
    except ValueError as error:
        raise HttpProblem(ProblemKind.UNREADABLE, str(error)) from None
    receipt = service.receive(items, NATIVE)
    if len(items) == 1 and not ndjson and receipt.rejected:
        only = receipt.rejected[0]
        if only.code is RejectCode.NOT_JSON:
            raise HttpProblem(ProblemKind.UNREADABLE, only.detail)
    return receipt


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
