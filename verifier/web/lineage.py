"""``POST /api/v1/lineage``: events of OpenLineage, where its HTTP transport sends them."""

from typing import Any

from anyio import move_on_after
from starlette.responses import Response

from verifier.engine.service import Service
from verifier.intake.door import SortedOut
from verifier.intake.receipt import Receipt, RejectCode
from verifier.intake.writer import Full
from verifier.ledger.signals import Batch
from verifier.signals.openlineage.reading import MAX_EVENT, TooManyEvents, split_events
from verifier.web.access import Right
from verifier.web.body import JSON, media_type, read_body
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import HttpProblem, ProblemKind
from verifier.web.signals import READ_AT_ONCE

SOURCE = "openlineage"

MAX_BODY = 4 * MAX_EVENT
"""Bytes of one body, which is an event or an array of them."""

ANSWER_SECONDS = 0.8
"""A task of Airflow waits for this answer. What takes longer is answered with 503, and
polling tells the same later; it may become durable all the same."""


async def post_lineage(asked: Asked) -> Response:
    """Take events; those of no declared job are answered with 200 too, and counted.

    The client is a task that has work to do: a refusal would only be logged there.
    """
    media_type(asked.request, JSON)
    body = await read_body(asked.request, MAX_BODY)
    service = asked.service
    accepted = None
    with move_on_after(ANSWER_SECONDS):
        if len(body) <= READ_AT_ONCE and service.ledger.known_histories:
            read = sort_out(service, body, known=True)
        else:
            read = await asked.crew.signals.run(lambda: sort_out(service, body, known=False))
        batch = Batch(signals=read.signals, source=SOURCE, received_at=read.received_at)
        try:
            accepted = await asked.crew.written(batch) if read.signals else 0
        except Full as full:
            raise HttpProblem(ProblemKind.BUSY, str(full)) from None
    if accepted is None:
        raise HttpProblem(ProblemKind.BUSY, f"not durable within {ANSWER_SECONDS:g} s")
    return json_response(encode(read.receipt(accepted)))


def sort_out(service: Service, body: bytes, *, known: bool) -> SortedOut:
    """What the events in ``body`` tell; raises ``HttpProblem`` where it has none."""
    try:
        items = split_events(body)
    except TooManyEvents as error:
        raise HttpProblem(ProblemKind.TOO_LARGE, str(error)) from None
    except ValueError as error:
        raise HttpProblem(ProblemKind.UNREADABLE, str(error)) from None
    read = service.sort_out_events(items, known=known)
    service.refused(SOURCE, read)
    if len(items) == 1 and RejectCode.NOT_JSON in read.codes:
        raise HttpProblem(ProblemKind.UNREADABLE, read.rejected[0].detail)
    return read


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/lineage",
        summary="Tell what Airflow does, as its OpenLineage provider sends it",
        right=Right.USE,
        answer=post_lineage,
        takes={JSON: dict[str, Any] | list[dict[str, Any]]},
        gives=Receipt,
        problems=(
            ProblemKind.UNREADABLE,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
)
