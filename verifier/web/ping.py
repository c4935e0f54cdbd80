"""``/ping/…``: Healthchecks' ping protocol, answered in its own words."""

from secrets import token_hex

from anyio import fail_after
from starlette.requests import Request
from starlette.responses import Response

from verifier.intake.door import check_declared
from verifier.intake.receipt import Refused, RejectCode
from verifier.intake.strangers import Named
from verifier.ledger.errors import LedgerError
from verifier.ledger.pings import SOURCE
from verifier.ledger.signals import Batch
from verifier.runs.instant import to_microseconds
from verifier.signals.ping import MAX_OUTPUT, BadPing, Ping, as_uuid, read_ping, read_rid, signal_of
from verifier.web.access import Right
from verifier.web.body import BODY_SECONDS
from verifier.web.endpoint import Asked, Endpoint
from verifier.web.problems import RETRY_SECONDS, HttpProblem

PATH = "/ping/{rest:path}"

MAX_READ = 8 * 1024 * 1024
"""Bytes of a body that are read to find its end; what comes after is not waited for."""

_TEXT = "text/plain; charset=utf-8"


async def get_ping(asked: Asked) -> Response:
    """Take a ping without a body."""
    return await _ping(asked)


async def post_ping(asked: Asked) -> Response:
    """Take a ping with what the job printed."""
    return await _ping(asked)


async def _ping(asked: Asked) -> Response:
    """Take a ping; it is durable when this answers ``OK``."""
    try:
        _refuse_other_sites(asked.request)
        await _take(asked)
    except BadPing as bad:
        asked.service.exposition.meters.refused(SOURCE, [bad.code])
        return _text(bad.status, str(bad))
    except HttpProblem as problem:
        return _text(problem.kind.status, problem.detail)
    except LedgerError as error:
        return _text(503, str(error))
    return _text(200, "OK", {"Ping-Body-Limit": str(MAX_OUTPUT)})


async def _take(asked: Asked) -> None:
    """Make durable what the ping says; raises ``BadPing`` where it says nothing."""
    service, request = asked.service, asked.request
    segments = request.path_params["rest"].split("/")
    rid = read_rid(request.query_params.getlist("rid"))
    histories = service.ledger.known_histories
    said = read_ping(segments, histories)
    job = _job(asked, said)
    if job not in histories:
        # Declared by another process, or nothing was asked of the ledger yet.
        histories = await asked.crew.signals.run(service.ledger.histories)
        said = read_ping(segments, histories)
        job = _job(asked, said)
    body = await read_tail(request)
    now = service.clock()
    signal = signal_of(said, job, rid, body, now, lambda: f"{to_microseconds(now)}-{token_hex(4)}")
    try:
        check_declared(signal, histories)
    except Refused as refusal:
        if refusal.job is not None:
            service.strangers.meet(SOURCE, [Named(refusal.job, signal.id, signal.at)], now)
        raise BadPing(404, "not found", refusal.code) from refusal
    await asked.crew.written(Batch(signals=[signal], source=SOURCE, received_at=now))


def _job(asked: Asked, said: Ping) -> str:
    """The job that is pinged, by one who may; to others it is not there."""
    uuid = as_uuid(said.name)
    job = asked.access.job_of_ping(uuid) if uuid else None
    if job is not None:
        return job
    scheme, _, token = asked.request.headers.get("authorization", "").partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" else said.key
    if asked.access.lets_use(shown):
        return said.name
    raise BadPing(404, "not found", RejectCode.UNKNOWN_JOB)


async def read_tail(request: Request) -> bytes:
    """The last ``MAX_OUTPUT`` bytes of a body of any length, within a bounded time."""
    tail = bytearray()
    read = 0
    try:
        with fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                read += len(chunk)
                tail += chunk
                del tail[:-MAX_OUTPUT]
                if read > MAX_READ:
                    break
    except TimeoutError:
        raise BadPing(408, "the body did not arrive in time") from None
    return bytes(tail)


def _refuse_other_sites(request: Request) -> None:
    """A page of another site could ping what its reader's browser reaches."""
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") or "origin" in request.headers:
        raise BadPing(403, "pings are not taken from web pages")


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    retry = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    return Response(text, status, {"Cache-Control": "no-store", **retry, **(headers or {})}, _TEXT)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="Ping a job as clients of Healthchecks do: JOB[/start|/fail|/log|/EXIT-STATUS]",
        right=Right.OPEN,
        answer=get_ping,
        gives_type="text/plain",
    ),
    Endpoint(
        method="POST",
        path=PATH,
        summary="The same, with what the job printed as the body",
        right=Right.OPEN,
        answer=post_ping,
        gives_type="text/plain",
    ),
)
