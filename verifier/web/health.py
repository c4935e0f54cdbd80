"""``/livez`` and ``/readyz``: for whoever restarts or routes to the verifier."""

from starlette.responses import Response

from verifier.ledger.errors import LedgerError
from verifier.web.access import Right
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import HttpProblem, ProblemKind
from verifier.web.shapes import Health


async def get_livez(_: Asked) -> Response:
    """The process answers; nothing else is asked."""
    return json_response(encode(Health(status="live")))


async def get_readyz(asked: Asked) -> Response:
    """The ledger can be read and written, and what is declared is known; no source is asked.

    Strangers may ask this, so they are not told where the ledger is.
    """
    try:
        await asked.crew.reads.run(asked.service.ledger.check_ready)
    except LedgerError:
        raise HttpProblem(ProblemKind.UNAVAILABLE, "the ledger cannot be used") from None
    return json_response(encode(Health(status="ready")))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/livez",
        summary="Whether the process answers",
        right=Right.OPEN,
        answer=get_livez,
        gives=Health,
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        summary="Whether the ledger is open and the configuration loaded",
        right=Right.OPEN,
        answer=get_readyz,
        gives=Health,
        problems=(ProblemKind.UNAVAILABLE,),
    ),
)
