"""``GET /v1/jobs``: how the declared jobs stand."""

from starlette.responses import Response

from verifier.web.access import Right
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import ProblemKind
from verifier.web.refusals import told_as_problems
from verifier.web.shapes import Job, Jobs


async def get_jobs(asked: Asked) -> Response:
    """Every declared job, by name."""
    return json_response(await asked.crew.reads.run(lambda: encode({"jobs": asked.service.jobs()})))


async def get_job(asked: Asked) -> Response:
    """One job."""
    name = asked.request.path_params["job"]

    def read() -> bytes:
        with told_as_problems():
            return encode(asked.service.job(name))

    return json_response(await asked.crew.reads.run(read))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/jobs",
        summary="Every declared job: its times, and what is open of it",
        right=Right.USE,
        answer=get_jobs,
        gives=Jobs,
    ),
    Endpoint(
        method="GET",
        path="/v1/jobs/{job}",
        summary="One job",
        right=Right.USE,
        answer=get_job,
        gives=Job,
        problems=(ProblemKind.NOT_FOUND,),
    ),
)
