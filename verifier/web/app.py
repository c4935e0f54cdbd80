"""The web application: every endpoint in one table, and the rules around all of them."""

from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response

from verifier.engine.service import Service
from verifier.intake.writer import Writer
from verifier.web import (
    actions,
    guard,
    health,
    jobs,
    lineage,
    metrics,
    ping,
    runs,
    signals,
    sources,
    verify,
)
from verifier.web.access import Access, HostCheck, Right
from verifier.web.endpoint import Asked, Endpoint, encode, html_response, json_response, routes
from verifier.web.openapi import openapi_document
from verifier.web.problems import HANDLERS, ProblemBoundary
from verifier.web.workers import Crew


async def get_openapi(_: Asked) -> Response:
    """The API, described for programs."""
    return json_response(OPENAPI)


async def get_index(_: Asked) -> Response:
    """The API, listed for people."""
    rows = "".join(
        f"<tr><td>{each.method}</td><td><code>{escape(each.public_path)}</code></td>"
        f"<td>{escape(each.summary)}</td></tr>"
        for each in ENDPOINTS
    )
    return html_response(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>landed</title>'
        f"<h1>landed</h1><table>{rows}</table></html>"
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    *signals.ENDPOINTS,
    *lineage.ENDPOINTS,
    *ping.ENDPOINTS,
    *guard.ENDPOINTS,
    *verify.ENDPOINTS,
    *jobs.ENDPOINTS,
    *sources.ENDPOINTS,
    *runs.ENDPOINTS,
    *actions.ENDPOINTS,
    *health.ENDPOINTS,
    *metrics.ENDPOINTS,
    Endpoint(
        method="GET",
        path="/openapi.json",
        summary="This API in OpenAPI 3.1",
        right=Right.OPEN,
        answer=get_openapi,
        gives=dict[str, Any],
    ),
    Endpoint(
        method="GET",
        path="/",
        summary="The routes",
        right=Right.OPEN,
        answer=get_index,
        gives_type="text/html",
    ),
)
"""Everything that is served; what is asked most comes first, since it is looked for first."""

OPENAPI = encode(openapi_document(ENDPOINTS))


def build_app(service: Service, access: Access) -> Starlette:
    """The application that serves ``service`` under the rules of ``access``."""
    crew = Crew(Writer(service.ledger, service.clock, watch=service.exposition.meters))
    app = Starlette(
        routes=routes(ENDPOINTS, service, access, crew),
        middleware=[Middleware(ProblemBoundary), Middleware(HostCheck, access=access)],
        exception_handlers=HANDLERS,
    )
    # A redirect would be made of what the client says that we are called.
    app.router.redirect_slashes = False
    return app
