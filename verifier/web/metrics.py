"""``GET /metrics``: what a scraper reads."""

from starlette.responses import Response

from verifier.web.access import Right
from verifier.web.endpoint import Asked, Endpoint, text_response
from verifier.web.problems import HttpProblem, ProblemKind


async def get_metrics(asked: Asked) -> Response:
    """All metrics, in the format that is asked for; nothing is read from the ledger."""
    accept = ", ".join(asked.request.headers.getlist("accept"))
    scrape = await asked.crew.scrapes.run(lambda: asked.service.metrics(accept))
    if scrape is None:
        raise HttpProblem(ProblemKind.UNAVAILABLE, "no figures were taken yet; try again soon")
    return text_response(scrape.body, scrape.content_type)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/metrics",
        summary="All metrics, as OpenMetrics or as Prometheus reads them",
        right=Right.USE,
        answer=get_metrics,
        gives_type="text/plain",
        problems=(ProblemKind.UNAVAILABLE,),
    ),
)
