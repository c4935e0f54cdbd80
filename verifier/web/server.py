"""Listening and serving: the socket first, uvicorn on it, and a stop that does not hang."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import structlog
import uvicorn
from starlette.types import ASGIApp

from verifier.web.protocol import BoundedProtocol

BACKLOG = 1024
"""Connections that the kernel keeps while we are busy."""

KEEP_ALIVE_SECONDS = 5
STOP_SECONDS = 3
"""Time that requests have to end once a stop was asked for."""

STOPS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


class CannotListen(RuntimeError):
    """The address cannot be had; the text says which and why."""


class Listener:
    """A bound socket; connections wait in it until it is served."""

    def __init__(self, bound: socket.socket) -> None:
        self.socket = bound
        self.host, self.port = bound.getsockname()[:2]

    @property
    def url(self) -> str:
        """Where those on this machine reach it, with the real port."""
        address = ip_address(self.host)
        host = self.host
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def close(self) -> None:
        """Give the address back."""
        self.socket.close()


def listen(host: str, port: int) -> Listener:
    """A socket at ``host`` and ``port``; 0 takes any port that is free.

    Raises ``CannotListen``: in use, not ours to take, no such address.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # Who says localhost means 127.0.0.1 as well as ::1, and most clients try the former.
        family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotListen(
            f"cannot listen on {where}: {reason}. "
            "Stop what listens there, or choose another address (listen: in landed.yaml)"
        ) from None
    return Listener(bound)


class Server(uvicorn.Server):
    """uvicorn within our bounds, told when to stop and ending by itself.

    The original raises the signal again once it has stopped, which would end the
    process before its owner has put away what it holds.
    """

    def __init__(self, app: ASGIApp, on_stop: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._on_stop = on_stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT; only the main thread can catch them."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is under way end, for ``STOP_SECONDS``."""
        log.info("stopping")
        self._on_stop()
        await super().shutdown(sockets)


def serve(app: ASGIApp, listener: Listener, on_stop: Callable[[], None] = lambda: None) -> None:
    """Serve ``app`` on the main thread until SIGTERM or SIGINT.

    ``on_stop`` is called as soon as a stop is asked for, so that calls under way can
    be told to end sooner. Requests then have ``STOP_SECONDS``; a second SIGINT ends
    that.
    """
    log.info("listening", url=listener.url)
    try:
        Server(app, on_stop).run(sockets=[listener.socket])
    finally:
        listener.close()
    log.info("stopped")
