"""A verifier that runs elsewhere, asked through its API."""

import re
from collections.abc import Mapping, Sequence
from json import JSONDecodeError
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from verifier.cli.client import Deed, Document, Progress, Wanted, to_wire
from verifier.cli.exits import CommandFailed, ExitCode
from verifier.engine.guarding import GuardRequest
from verifier.ledger.listing import RunFilter

PAGE = 500
"""Runs asked for at once."""

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0

_AT_FIELD = re.compile(r"Expected (?P<what>.+) - at `\$\.(?P<field>[a-z]+)`", re.DOTALL)
_NOT_FOUND = 404
_UNAUTHORIZED = (401, 403)
_SERVER_ERRORS = 500


class RemoteClient:
    """The verifier at ``url``; ``token`` is shown to it alone."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = _checked(url)
        if token is not None and not (token.isascii() and token.isprintable()):
            raise CommandFailed("the token holds a character that no HTTP header can carry")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def receive(self, signals: Sequence[Document]) -> Document:
        """Hand signals over."""
        return self._ask("POST", "/v1/signals", body=list(signals))

    def run(self, reference: str) -> Document:
        """One run."""
        return self._ask("GET", f"/v1/runs/{quote(reference, safe='/:~%')}")

    def runs(self, filters: RunFilter) -> list[Document]:
        """Runs, page by page up to the limit."""
        query = to_wire(filters)
        found: list[Document] = []
        while len(found) < filters.limit:
            query["limit"] = min(PAGE, filters.limit - len(found))
            page = self._ask("GET", "/v1/runs", query=query)
            found += page["runs"]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        return found

    def jobs(self) -> list[Document]:
        """Every job."""
        jobs: list[Document] = self._ask("GET", "/v1/jobs")["jobs"]
        return jobs

    def job(self, name: str) -> Document:
        """One job."""
        return self._ask("GET", f"/v1/jobs/{quote(name, safe='')}")

    def sources(self) -> list[Document]:
        """Every source."""
        sources: list[Document] = self._ask("GET", "/v1/sources")["sources"]
        return sources

    def unknown_jobs(self) -> list[Document]:
        """Jobs that signals named and nobody declared."""
        jobs: list[Document] = self._ask("GET", "/v1/sources")["unknown_jobs"]
        return jobs

    def configuration_refused(self) -> Document | None:
        """A newer configuration that is refused; an older verifier tells of none."""
        refused: Document | None = self._ask("GET", "/v1/sources").get("configuration_refused")
        return refused

    def verify(self, wanted: Wanted, progress: Progress) -> list[Document]:
        """Evaluate; it takes as long as the runs take to settle."""
        # It may be long in answering, so first see whether anybody is there at all.
        self.job(wanted.job)
        progress(0, 0)
        body = to_wire(wanted, start="from", end="to")
        runs: list[Document] = self._ask("POST", "/v1/verify", body=body, patient=True)["runs"]
        progress(len(runs), len(runs))
        return runs

    def act(self, deed: Deed) -> Document:
        """Record an action."""
        return self._ask("POST", "/v1/actions", body=to_wire(deed, kind="action"))

    def actions(self, job: str | None = None) -> list[Document]:
        """The audit."""
        query = {} if job is None else {"job": job}
        actions: list[Document] = self._ask("GET", "/v1/actions", query=query)["actions"]
        return actions

    def guard(self, request: GuardRequest) -> Document:
        """Ask the guard."""
        body = to_wire(request)
        by, reason = body.pop("override_by", None), body.pop("override_reason", None)
        if by is not None:
            body["override"] = {"by": by, "reason": reason}
        return self._ask("POST", "/v1/guard", body=body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        patient: bool = False,
    ) -> Document:
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS) if patient else None
        try:
            answer = self._http.request(
                method,
                path,
                params=query,
                json=body,
                timeout=timeout or httpx.USE_CLIENT_DEFAULT,
            )
        except httpx.TimeoutException:
            raise self._unreachable("it does not answer in time") from None
        except httpx.HTTPError as error:
            raise self._unreachable(str(error) or type(error).__name__) from None
        document = _document(answer)
        if answer.is_success and document is not None:
            return document
        raise self._refused(answer.status_code, document)

    def _unreachable(self, why: str) -> CommandFailed:
        return CommandFailed(
            f"no verifier can be reached at {self.url}: {why}",
            ExitCode.UNREACHABLE,
            hint="start it with `landed serve`, or name another one with --url",
        )

    def _refused(self, status: int, document: Document | None) -> CommandFailed:
        """What the problem document of an answer says, as a failure of the command."""
        if document is None or not isinstance(document.get("detail"), str):
            return self._unreachable(f"what answers there is no landed (HTTP {status})")
        if status in _UNAUTHORIZED:
            return CommandFailed(document["detail"], hint="give it in LANDED_TOKEN, or as --token")
        if status >= _SERVER_ERRORS:
            return CommandFailed(
                f"the verifier at {self.url} cannot answer: {document['detail']}",
                ExitCode.UNREACHABLE,
            )
        return CommandFailed(_for_people(document["detail"]))


def _for_people(detail: str) -> str:
    """``detail``, by the option that a person gave in place of the field of the API."""
    found = _AT_FIELD.fullmatch(detail)
    if found is None:
        return detail
    return f"--{found['field']}: expected {found['what'].replace(', got ', ', found ')}"


def _document(answer: httpx.Response) -> Document | None:
    try:
        document = answer.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _checked(url: str) -> str:
    """``url``, if it is one of a server; raises ``CommandFailed``, which does not repeat it."""
    try:
        parts = urlsplit(url)
        well_formed = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        well_formed = False
    if (
        not well_formed
        or parts.scheme not in ("http", "https")
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not (url.isascii() and url.isprintable() and " " not in url)
    ):
        # It is not repeated: it may hold a password.
        raise CommandFailed(
            "--url: expected http://HOST[:PORT] or https://HOST[:PORT], without a user or a query"
        )
    return url.rstrip("/")
