"""``/v1/runs``: what is known of runs, and what to do about them."""

from typing import Annotated
from urllib.parse import unquote

import msgspec
from starlette.responses import Response

from verifier.engine.documents import documents
from verifier.engine.service import Service
from verifier.ledger.listing import RunFilter
from verifier.ledger.types import RunLane
from verifier.runs.verdict import Verdict
from verifier.web.access import Right
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import ProblemKind
from verifier.web.query import query_instant, read_query
from verifier.web.refusals import known_job, told_as_problems
from verifier.web.shapes import Run, Runs

PAGE = 100
"""Runs of one answer, where ``limit`` does not say."""

MAX_PAGE = 1_000


def _text(about: str, **schema: str) -> msgspec.Meta:
    return msgspec.Meta(description=about, max_length=200, extra_json_schema=schema or None)


class WireRuns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs are asked for; what is not given filters nothing."""

    job: Annotated[str, _text("of this job")] | None = None
    verdict: Annotated[Verdict, msgspec.Meta(description="judged to be this")] | None = None
    lane: Annotated[RunLane, msgspec.Meta(description="live: the schedule expected it")] | None = (
        None
    )
    partition: Annotated[str, _text("of this one; empty: of the whole job")] | None = None
    worker: Annotated[str, _text("tried by this worker")] | None = None
    since: Annotated[str, _text("due at this instant or later", format="date-time")] | None = None
    until: Annotated[str, _text("due before this instant", format="date-time")] | None = None
    cursor: Annotated[str, _text("`next` of the page before")] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE, description="runs of a page")] = PAGE


async def get_runs(asked: Asked) -> Response:
    """A page of runs, newest first."""
    wire = read_query(asked.request, WireRuns)
    filters = RunFilter(
        job=wire.job,
        verdict=wire.verdict,
        lane=wire.lane,
        partition=wire.partition,
        worker=wire.worker,
        since=query_instant(wire.since, "since"),
        until=query_instant(wire.until, "until"),
        cursor=wire.cursor,
        limit=wire.limit + 1,
    )
    return json_response(await asked.crew.reads.run(lambda: page(asked.service, filters)))


def page(service: Service, filters: RunFilter) -> bytes:
    """The runs that match, all but the last of ``filters.limit``, which tells of a next page."""
    with told_as_problems():
        known_job(service, filters.job)
        rows = service.ledger.runs(filters)
    shown = rows[: filters.limit - 1]
    found = documents(service.ledger, [row.key for row in shown], service.clock())
    return encode({"runs": found, "next": shown[-1].cursor if len(rows) > len(shown) else None})


async def get_run(asked: Asked) -> Response:
    """One run, by its id or by ``job/DUE[/partition]``."""
    reference = reference_of(asked.request.scope["raw_path"].decode("latin-1"))

    def read() -> bytes:
        with told_as_problems():
            return encode(asked.service.run(reference))

    return json_response(await asked.crew.reads.run(read))


def reference_of(path: str) -> str:
    """The run that a path, still encoded, names: ``job/DUE`` in it may be encoded whole or not."""
    reference = path.partition("?")[0].removeprefix("/v1/runs/")
    return reference if "/" in reference else unquote(reference)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/runs",
        summary="Runs, newest first, page by page",
        right=Right.USE,
        answer=get_runs,
        gives=Runs,
        query=WireRuns,
        problems=(ProblemKind.NOT_FOUND, ProblemKind.INVALID),
    ),
    Endpoint(
        method="GET",
        path="/v1/runs/{run:path}",
        summary="One run, by its id or by job/DUE[/partition]",
        right=Right.USE,
        answer=get_run,
        gives=Run,
        problems=(ProblemKind.NOT_FOUND, ProblemKind.INVALID),
    ),
)
