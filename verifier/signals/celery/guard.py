"""The guard for tasks: a task asks landed whether it may start, and stops if it may not.

    from verifier.signals.celery.guard import guarded

    @app.task(bind=True)
    @guarded("daily-revenue")
    def revenue(self): ...

Runs in a user's own process: Celery and the standard library are all it needs. Where
landed cannot be asked in time, the task starts or is put off as the job's own
declaration would have it, told by ``when_unsure`` here, since nobody can be asked.
"""

import json
import os
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from celery.exceptions import Reject

from verifier.signals.celery.marker import DUE_HEADER

F = TypeVar("F", bound=Callable[..., Any])

WITHIN = 2.0
"""Seconds in which landed must answer."""


def guarded(
    job: str, *, when_unsure: str = "open", url: str | None = None, token: str | None = None
) -> Callable[[F], F]:
    """Have a bound task ask before it starts; it is rejected where it may not.

    ``when_unsure``: ``open`` or ``closed``, for when landed does not answer. ``url`` and
    ``token`` come from ``LANDED_URL`` and ``LANDED_TOKEN`` where they are not given.
    """

    def decorate(task: F) -> F:
        @wraps(task)
        def ask_first(self: Any, *args: Any, **kwargs: Any) -> Any:
            check(self.request, job, when_unsure=when_unsure, url=url, token=token)
            return task(self, *args, **kwargs)

        return ask_first  # type: ignore[return-value] # the same, but for what it asks first

    return decorate


def check(
    request: Any,
    job: str,
    *,
    when_unsure: str = "open",
    url: str | None = None,
    token: str | None = None,
) -> None:
    """Ask whether the task of ``request`` may start; raises ``Reject`` where it may not."""
    if when_unsure not in ("open", "closed"):
        raise ValueError(f"expected when_unsure open or closed, found {when_unsure!r}")
    asked: dict[str, Any] = {
        "job": job,
        "attempt": _attempt(request),
        "worker": request.hostname,
    }
    due = (request.headers or {}).get(DUE_HEADER) or getattr(request, DUE_HEADER, None)
    if due:
        asked["due"] = due
    try:
        ruling = _ask(asked, url, token)
        decision, why = str(ruling["decision"]), str(ruling["why"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        decision = "allow" if when_unsure == "open" else "refuse"
        why = f"landed did not answer ({type(error).__name__})"
    if decision != "allow":
        raise Reject(f"landed: {decision}: {why}", requeue=False)


def _attempt(request: Any) -> str:
    """The attempt that landed will call this try; a redelivery gets an id of its own."""
    if (request.delivery_info or {}).get("redelivered"):
        return f"{request.id}/{uuid4().hex[:12]}"
    return f"{request.id}/{request.retries}" if request.retries else str(request.id)


def _ask(asked: dict[str, Any], url: str | None, token: str | None) -> dict[str, Any]:
    base = (url or os.environ.get("LANDED_URL") or "http://127.0.0.1:9877").rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise ValueError("expected an http or https URL")
    headers = {"Content-Type": "application/json"}
    token = token or os.environ.get("LANDED_TOKEN")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(f"{base}/v1/guard", json.dumps(asked).encode(), headers)  # noqa: S310 - checked
    with build_opener(ProxyHandler({})).open(request, timeout=WITHIN) as answer:
        told = json.load(answer)
    if not isinstance(told, dict):
        raise ValueError("expected an object")  # noqa: TRY004 - of what was answered
    return told
