"""Problem documents (RFC 9457): the one shape of every error."""

import asyncio
from collections.abc import Mapping
from enum import Enum
from urllib.parse import quote
from uuid import uuid4

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from verifier.engine.clock import Stopping
from verifier.ledger.errors import AttemptElsewhere, LedgerError, UnknownJob

MEDIA_TYPE = "application/problem+json"

RETRY_SECONDS = 5
"""What ``Retry-After`` says where nothing better is known."""

MAX_DETAIL = 1_000
"""Characters of ``detail``; most of a longer one would be what the client sent."""

log = structlog.get_logger()


class ProblemKind(Enum):
    """Every kind of problem: its code, the HTTP status and a title for people."""

    UNREADABLE = ("unreadable", 400, "The request cannot be read")
    UNAUTHORIZED = ("unauthorized", 401, "A token is needed")
    FORBIDDEN = ("forbidden", 403, "This token may not do that")
    WRONG_HOST = ("wrong_host", 403, "The request was meant for another host")
    NOT_FOUND = ("not_found", 404, "Nothing is known by that name")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "This route takes other methods")
    TOO_SLOW = ("too_slow", 408, "The request did not arrive in time")
    TOO_LARGE = ("too_large", 413, "The request is too large")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, "The body is of another type")
    INVALID = ("invalid", 422, "The request makes no sense")
    HEAD_TOO_LARGE = ("head_too_large", 431, "The headers are too large")
    INTERNAL = ("internal", 500, "The verifier has a defect")
    UNAVAILABLE = ("unavailable", 503, "The ledger cannot be used right now")
    BUSY = ("busy", 503, "The verifier has too much to do")

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title


class HttpProblem(Exception):
    """A request that is answered with a problem document.

    ``detail`` says where, what was expected and what was found; the client sees it.
    """

    def __init__(
        self, kind: ProblemKind, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


def problem_body(kind: ProblemKind, detail: str, instance: str) -> bytes:
    """The document itself; ``type`` names the kind for programs."""
    return msgspec.json.encode(
        {
            "type": f"urn:landed:problem:{kind.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": detail[:MAX_DETAIL],
            "instance": instance,
        }
    )


def problem_response(problem: HttpProblem, scope: Scope) -> Response:
    """The answer that tells ``problem``."""
    headers = dict(problem.headers)
    if problem.kind.status == 503:
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return Response(
        problem_body(problem.kind, problem.detail, instance_of(scope)),
        problem.kind.status,
        {**headers, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        MEDIA_TYPE,
    )


def instance_of(scope: Scope) -> str:
    """The path that was asked for, still encoded, without what may be a secret in it.

    That is its query, and the key or the UUID of a ping.
    """
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"])
    if path.startswith("/ping/"):
        return "/ping/…"
    return path.partition("?")[0][:500]


def as_problem(error: Exception) -> HttpProblem | None:
    """What a client is told of ``error``; None for a defect of ours."""
    match error:
        case HttpProblem():
            return error
        case UnknownJob():
            return HttpProblem(ProblemKind.NOT_FOUND, str(error))
        case AttemptElsewhere():
            return HttpProblem(ProblemKind.INVALID, str(error))
        case LedgerError() | Stopping():
            return HttpProblem(ProblemKind.UNAVAILABLE, str(error))
        case ClientDisconnect():
            return HttpProblem(ProblemKind.UNREADABLE, "the body ended before it was complete")
        case HTTPException(status_code=404):
            return HttpProblem(
                ProblemKind.NOT_FOUND, "expected a route of /openapi.json, found none of them"
            )
        case HTTPException(status_code=405):
            allowed = dict(error.headers or {})
            return HttpProblem(
                ProblemKind.METHOD_NOT_ALLOWED,
                f"expected one of {allowed.get('Allow', 'its methods')}",
                allowed,
            )
        case _:
            return None


async def _on_error(request: Request, error: Exception) -> Response:
    problem = as_problem(error)
    if problem is None:
        raise error
    return problem_response(problem, request.scope)


HANDLERS: Mapping[type[Exception], ExceptionHandler] = {
    HttpProblem: _on_error,
    LedgerError: _on_error,
    Stopping: _on_error,
    ClientDisconnect: _on_error,
    HTTPException: _on_error,
}
"""For Starlette: what routes raise."""


class ProblemBoundary:
    """Middleware, outermost: whatever else is raised becomes a problem document.

    A defect is told with a number alone, under which the log has the rest.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            # Tasks are cancelled only where the server stops and they would not end.
            problem = HttpProblem(ProblemKind.BUSY, "the verifier is stopping")
        except Exception as error:
            problem = as_problem(error) or _defect(scope)
        else:
            return
        if not started:
            await problem_response(problem, scope)(scope, receive, send)


def _defect(scope: Scope) -> HttpProblem:
    incident = uuid4().hex
    log.exception(
        "request_failed", incident=incident, method=scope["method"], path=instance_of(scope)
    )
    return HttpProblem(
        ProblemKind.INTERNAL, f"the log of the verifier has more under incident {incident}"
    )
