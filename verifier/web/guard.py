"""``POST /v1/guard``: whether an attempt may run."""

from datetime import timedelta
from typing import Annotated

import msgspec
from starlette.responses import Response

from verifier.engine.guarding import GuardRequest
from verifier.engine.service import Service
from verifier.intake.wire import FUTURE_LIMIT, Moment, Short
from verifier.runs.declaration import WhenUnsure
from verifier.runs.guard import Mode
from verifier.runs.instant import format_instant
from verifier.runs.signal import ANONYMOUS, Lane
from verifier.runs.view import instant
from verifier.web.access import Right
from verifier.web.body import BODY_PROBLEMS, JSON, read_model
from verifier.web.endpoint import Asked, Endpoint, encode, json_response
from verifier.web.problems import ProblemKind
from verifier.web.refusals import invalid, known_partition, told, told_as_problems, utc
from verifier.web.shapes import GuardRuling

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class WireOverride(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs it whatever the guard says, and why; both are kept."""

    by: Short
    reason: Reason


class WireGuard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt that asks whether it may start; without ``due`` it is bound by now."""

    job: Short
    attempt: Short
    due: Moment | None = None
    partition: Short | None = None
    lane: Lane | None = None
    worker: Short | None = None
    mode: Mode | None = None
    when_unsure: WhenUnsure | None = None
    override: WireOverride | None = None


async def post_guard(asked: Asked) -> Response:
    """May this attempt run? An override takes an operate token, whatever else is open."""
    wire = await read_model(asked.request, WireGuard)
    by = reason = None
    if wire.override is not None:
        authorization = asked.request.headers.get("authorization")
        operator = asked.access.admit(authorization, Right.OPERATE)
        by = operator.signing(told(wire.override.by, "override.by"))
        reason = told(wire.override.reason, "override.reason")
    request = GuardRequest(
        job=wire.job,
        attempt=wire.attempt,
        due=utc(wire.due, "due"),
        partition=wire.partition,
        lane=wire.lane,
        worker=wire.worker,
        mode=wire.mode,
        when_unsure=wire.when_unsure,
        override_by=by,
        override_reason=reason,
    )
    ruling = await asked.crew.guard.run(lambda: ask(asked.service, request))
    return json_response(encode(ruling))


def ask(service: Service, request: GuardRequest) -> GuardRuling:
    """The guard's ruling; raises ``HttpProblem`` and ``LedgerUnavailable``."""
    if request.attempt.startswith(ANONYMOUS):
        message = f"Expected an id that does not begin with {ANONYMOUS!r}"
        raise invalid(message, "attempt")
    if request.due is not None and request.due > service.clock() + FUTURE_LIMIT:
        hours = FUTURE_LIMIT // timedelta(hours=1)
        found = format_instant(request.due)
        raise invalid(f"Expected an instant at most {hours} h ahead, got {found}", "due")
    known_partition(service, request.job, request.partition)
    with told_as_problems():
        answer = service.guard(request)
    return GuardRuling(
        decision=answer.decision,
        why=answer.why,
        due=instant(answer.key.due),
        run=answer.key.path,
        lease_until=instant(answer.lease_until),
        when_unsure=answer.when_unsure,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/guard",
        summary="Ask whether an attempt may start; an allowance is granted to it alone",
        right=Right.USE,
        answer=post_guard,
        takes={JSON: WireGuard},
        gives=GuardRuling,
        problems=(*BODY_PROBLEMS, ProblemKind.NOT_FOUND),
    ),
)
