"""``GET /v1/sources``: how far each source was heard, and what nobody could place."""

from starlette.responses import Response

from verifier.web.access import Right
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.shapes import Sources


async def get_sources(asked: Asked) -> Response:
    """Every source that is declared, and what reports by itself."""
    service = asked.service

    def read() -> bytes:
        return encode(
            {
                "sources": service.sources(),
                "unknown_jobs": service.unknown_jobs(),
                "configuration_refused": service.configuration_refused(),
            }
        )

    return json_response(await asked.crew.reads.run(read))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/sources",
        summary="Every source: until when it was heard, and when nobody could hear it",
        right=Right.USE,
        answer=get_sources,
        gives=Sources,
    ),
)
