"""Airflow's REST API (v2): the token, one request, one page after another."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from verifier.signals.airflow.documents import Page, read_page
from verifier.signals.source import SourceUnavailable

PAGE = 100
"""Items asked for at a time; Airflow gives no more unless it is told to."""

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one answer."""

REQUEST_SECONDS = 30.0

RENEW_BEFORE = timedelta(minutes=2)
"""A token that ends sooner than this is renewed before it is used."""

_BY_CURSOR = frozenset({"dag_runs", "task_instances"})
"""Lists that Airflow gives by cursor, so that nothing slips between two pages."""

Query = Mapping[str, str | int | list[str]]


class NotFound(SourceUnavailable):
    """Airflow has nothing there: it was deleted, or its id is not known."""


class Forbidden(SourceUnavailable):
    """The user may not read that."""


class AirflowClient:
    """One Airflow, asked as one user. Connects when it is first asked.

    Methods raise ``SourceUnavailable``, whose text holds no secret.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._username = username
        self._password = password
        self._token: str | None = None
        self._token_ends: datetime | None = None
        self.server_time: datetime | None = None
        # No proxy from the environment, and no redirect that would take the token along.
        self._http = httpx.Client(timeout=REQUEST_SECONDS, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, query: Query | None = None) -> bytes:
        """The answer to ``GET /api/v2/PATH``.

        A token that is refused, or about to end, is renewed once.
        """
        if self._token is None or self._ends_soon():
            self._log_in()
        status, body = self._asked(path, query)
        if status == httpx.codes.UNAUTHORIZED:
            self._log_in()
            status, body = self._asked(path, query)
        if status == httpx.codes.UNAUTHORIZED:
            raise SourceUnavailable(f"the token that {self._url} gave is refused by it")
        if status == httpx.codes.FORBIDDEN:
            raise Forbidden(f"user {self._username} may not read {path}")
        if status == httpx.codes.NOT_FOUND:
            raise NotFound(f"{self._url} has no /api/v2/{path}")
        if status != httpx.codes.OK:
            raise SourceUnavailable(f"{self._url} answered {status} to /api/v2/{path}")
        return body

    def get_json(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """The answer as a JSON object."""
        try:
            return msgspec.json.decode(self.get(path, query), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SourceUnavailable(f"{self._url} answered /api/v2/{path} with no JSON") from None

    def page(self, path: str, field: str, query: Query | None = None) -> Page:
        """One page of a list."""
        body = self.get(path, query)
        try:
            return read_page(body, field)
        except (ValueError, RecursionError):
            raise SourceUnavailable(
                f"{self._url} answered /api/v2/{path} with no list of {field}"
            ) from None

    def pages(self, path: str, field: str, query: Query) -> Iterator[list[msgspec.Raw]]:
        """The items of a list, a page at a time."""
        by_cursor = field in _BY_CURSOR
        place: Query = {"cursor": ""} if by_cursor else {"offset": 0}
        seen = 0
        while True:
            page = self.page(path, field, {**query, **place, "limit": PAGE})
            if page.items:
                yield page.items
            seen += len(page.items)
            if by_cursor:
                if not page.next_cursor:
                    return
                place = {"cursor": page.next_cursor}
            else:
                if not page.items or seen >= (page.total or 0):
                    return
                place = {"offset": seen}

    def _asked(self, path: str, query: Query | None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._send("GET", f"/api/v2/{path}", headers=headers, params=query)

    def _log_in(self) -> None:
        self._token = None
        answer = {"username": self._username, "password": self._password}
        status, body = self._send("POST", "/auth/token", json=answer)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise SourceUnavailable(
                f"{self._url} refuses the name or the password of user {self._username}"
            )
        if status == httpx.codes.NOT_FOUND:
            raise SourceUnavailable(
                f"{self._url} has no /auth/token: Airflow 3 is expected there, 2 is not supported"
            )
        if status not in (httpx.codes.OK, httpx.codes.CREATED):
            raise SourceUnavailable(f"{self._url} answered {status} to /auth/token")
        try:
            self._token = msgspec.json.decode(body, type=dict[str, Any])["access_token"]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
            self._token = None
        if not isinstance(self._token, str):
            raise SourceUnavailable(f"{self._url} answered /auth/token without an access_token")
        self._token_ends = _end_of(self._token)

    def _ends_soon(self) -> bool:
        if self._token_ends is None or self.server_time is None:
            return False
        return self.server_time + RENEW_BEFORE >= self._token_ends

    def _send(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        try:
            with self._http.stream(method, self._url + path, **more) as response:
                self._notice_time(response)
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    raise SourceUnavailable(f"{self._url} asks to be left alone", _wait(response))
                return response.status_code, self._body(response, path)
        except httpx.TimeoutException:
            raise SourceUnavailable(f"{self._url} did not answer in time") from None
        except httpx.HTTPError as error:
            raise SourceUnavailable(
                f"{self._url} cannot be reached: {type(error).__name__}"
            ) from None

    def _body(self, response: httpx.Response, path: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY:
                raise SourceUnavailable(
                    f"{self._url} answered {path} with more than {MAX_BODY} bytes"
                )
        return bytes(body)

    def _notice_time(self, response: httpx.Response) -> None:
        try:
            told = parsedate_to_datetime(response.headers["date"])
        except (KeyError, ValueError, TypeError):
            return
        if told.tzinfo is not None:
            self.server_time = told.astimezone(UTC)


def segment(text: str) -> str:
    """A part of a path, whatever characters it has."""
    return quote(text, safe="")


def _wait(response: httpx.Response) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), 3600)) if text.isascii() and text.isdigit() else None


def _end_of(token: str) -> datetime | None:
    """When a JSON web token says that it ends; None where it doesn't say so readably."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
