"""``/v1/actions``: what operators do, and the audit of what they did."""

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from verifier.engine.actions import ON_RUNS, ActionRequest
from verifier.engine.documents import find_run
from verifier.engine.service import Service
from verifier.intake.wire import Moment, Short
from verifier.runs.action import ActionKind
from verifier.web.access import Right
from verifier.web.body import BODY_PROBLEMS, JSON, read_model
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.guard import Reason
from verifier.web.problems import ProblemKind
from verifier.web.query import read_query
from verifier.web.refusals import invalid, known_job, told, told_as_problems, utc
from verifier.web.shapes import Action, Actions


class WireAction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator does to a ``job`` or to a ``run``, and why.

    The same ``id`` again is the same action.
    """

    action: ActionKind
    by: Short
    reason: Reason
    job: Short | None = None
    run: str | None = None
    attempt: Short | None = None
    until: Moment | None = None
    counts_as_useful: bool = False
    id: Short | None = None


class WireActions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which actions are asked for."""

    job: (
        Annotated[str, msgspec.Meta(description="on this job or its runs", max_length=200)] | None
    ) = None


async def post_action(asked: Asked) -> Response:
    """Record what an operator does."""
    wire = await read_model(asked.request, WireAction)
    by = asked.caller.signing(told(wire.by, "by"))
    return json_response(await asked.crew.reads.run(lambda: encode(act(asked.service, wire, by))))


def act(service: Service, wire: WireAction, by: str) -> dict[str, Any]:
    """The action as recorded; raises ``HttpProblem`` and ``LedgerUnavailable``."""
    if wire.action is ActionKind.OVERRIDE:
        raise invalid("Expected another action: an override is asked of /v1/guard", "action")
    if (wire.job is None) == (wire.run is None):
        raise invalid("Expected one of job and run, got both or none", "run")
    if wire.action in ON_RUNS and wire.run is None:
        raise invalid(f"Expected a run: {wire.action} is of one run", "run")
    if wire.action not in ON_RUNS and wire.job is None:
        raise invalid(f"Expected a job: {wire.action} is of a whole job", "job")
    until = utc(wire.until, "until")
    with told_as_problems():
        key = find_run(service.ledger, wire.run) if wire.run is not None else None
        return service.act(
            ActionRequest(
                kind=wire.action,
                by=by,
                reason=told(wire.reason, "reason"),
                job=key.job if key is not None else wire.job or "",
                key=key,
                attempt=wire.attempt,
                until=until,
                counts_as_useful=wire.counts_as_useful,
                action_id=wire.id,
            )
        )


async def get_actions(asked: Asked) -> Response:
    """The audit."""
    wanted = read_query(asked.request, WireActions)

    def read() -> bytes:
        with told_as_problems():
            known_job(asked.service, wanted.job)
            return encode({"actions": asked.service.actions(wanted.job)})

    return json_response(await asked.crew.reads.run(read))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/actions",
        summary="The audit: who did what, when and why; newest first",
        right=Right.USE,
        answer=get_actions,
        gives=Actions,
        query=WireActions,
        problems=(ProblemKind.NOT_FOUND, ProblemKind.INVALID),
    ),
    Endpoint(
        method="POST",
        path="/v1/actions",
        summary="Record what an operator does, with who and why",
        right=Right.OPERATE,
        answer=post_action,
        takes={JSON: WireAction},
        gives=Action,
        problems=(*BODY_PROBLEMS, ProblemKind.NOT_FOUND, ProblemKind.UNAVAILABLE),
    ),
)
