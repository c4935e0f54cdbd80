"""An endpoint: a method of a path, what it takes, gives, and asks of its caller."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from verifier.engine.service import Service
from verifier.web.access import Access, Caller, Right
from verifier.web.problems import ProblemKind
from verifier.web.workers import Crew

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Asked:
    """One request that was let in, and all that is needed to answer it."""

    request: Request
    caller: Caller
    access: Access
    service: Service
    crew: Crew


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One row of the table from which routes, ``/openapi.json`` and ``/`` are made.

    ``path`` is written as Starlette reads it. ``takes`` gives the type of the body by
    media type, ``gives`` that of the answer; ``problems`` are those that its answer
    may be beside the ones of every route.
    """

    method: str
    path: str
    summary: str
    right: Right
    answer: Callable[[Asked], Awaitable[Response]]
    takes: Mapping[str, Any] | None = None
    gives: Any = None
    gives_type: str = "application/json"
    query: type[msgspec.Struct] | None = None
    problems: tuple[ProblemKind, ...] = ()

    @property
    def public_path(self) -> str:
        """The path as people and OpenAPI write it."""
        return self.path.replace(":path}", "}")


def routes(
    endpoints: Iterable[Endpoint], service: Service, access: Access, crew: Crew
) -> list[Route]:
    """One route a path, so that its 405 names every method that it takes.

    A request is held against them one by one, in the order of ``endpoints``.
    """
    paths: dict[str, dict[str, Endpoint]] = defaultdict(dict)
    for each in endpoints:
        paths[each.path][each.method] = each
    return [_route(path, methods, service, access, crew) for path, methods in paths.items()]


def _route(
    path: str, methods: Mapping[str, Endpoint], service: Service, access: Access, crew: Crew
) -> Route:
    async def answer(request: Request) -> Response:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        caller = access.admit(request.headers.get("authorization"), endpoint.right)
        return await endpoint.answer(Asked(request, caller, access, service, crew))

    return Route(path, answer, methods=list(methods))


def json_response(body: bytes) -> Response:
    """An answer in JSON."""
    return Response(body, 200, _HEADERS, "application/json")


def text_response(body: bytes, content_type: str) -> Response:
    """An answer in some other text format."""
    return Response(body, 200, _HEADERS, content_type)


def html_response(page: str) -> Response:
    """A page that loads nothing and stands in no frame."""
    headers = {**_HEADERS, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    return Response(page, 200, headers, "text/html")


def encode(value: Any) -> bytes:
    """``value`` as JSON."""
    return msgspec.json.encode(value)
