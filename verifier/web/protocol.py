"""Connections within bounds: how many, how long a request may take to come, how large its head.

uvicorn leaves these to a proxy in front of it; a sidecar has none.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from verifier.web.problems import MEDIA_TYPE, RETRY_SECONDS, ProblemKind, problem_body

MAX_CONNECTIONS = 512
"""Connections at once: below the 1024 open files that a process usually may have."""

MAX_HEAD = 64 * 1024
"""Bytes of a request line and its headers."""

HEAD_SECONDS = 10.0
"""Time for a head to arrive, from the first byte of the connection on."""

BETWEEN_SECONDS = 30.0
"""Time from an answer to the next head: to take the answer, too, and to end a body
that nobody wanted."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which refuses more than it can hold."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(ProblemKind.BUSY, f"{MAX_CONNECTIONS} connections are open")
        else:
            self._expect_head(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that has no end is cut off."""
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MAX_HEAD and not self.transport.is_closing():
            self._refuse(ProblemKind.HEAD_TOO_LARGE, f"expected a head of at most {MAX_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """The head is there; its body has a time of its own."""
        self._in_head = False
        self._cancel_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there; the next byte is of another head."""
        self._in_head = True
        self._head = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; another request may come."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._expect_head(BETWEEN_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered in the shape of every other error."""
        self._refuse(ProblemKind.UNREADABLE, f"expected HTTP/1.1: {msg}")

    def _refuse(self, kind: ProblemKind, detail: str) -> None:
        body = problem_body(kind, detail, "")
        retry = f"retry-after: {RETRY_SECONDS}\r\n" if kind.status == 503 else ""
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n{retry}"
            "connection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[kind.status] + head.encode() + body)
        self.transport.close()

    def _expect_head(self, seconds: float) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
