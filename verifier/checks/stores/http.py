"""Services that answer in JSON, through httpx: asked with GET alone, and within bounds.

No proxy and no password is taken from the environment; a redirect is followed on the
same host alone, so that what is shown to one service never reaches another.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import httpx
import msgspec

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.remark import Remark, reachable
from verifier.checks.store import StoreKind
from verifier.checks.stores.service import HttpStoreConfig
from verifier.checks.stores.watch import Stop, Watch

MOST_PAGES = 1_000
_MOST_REDIRECTS = 5
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class OpenService:
    """The service, as one thread asks it now."""

    kind = StoreKind.HTTP

    def __init__(self, client: httpx.Client, config: HttpStoreConfig, watch: Watch) -> None:
        self._client = client
        self._root = httpx.URL(config.url.get_secret_value())
        self._max_bytes = config.max_bytes
        self._watch = watch

    def pages(
        self, path: str, parameters: Mapping[str, str], after: Callable[[Any], str | None]
    ) -> Iterator[Any]:
        """The JSON documents of one question; see ``HttpSession``."""
        url = self._root.copy_with(path=f"{self._root.path.rstrip('/')}/{path.lstrip('/')}")
        url = url.copy_merge_params(dict(parameters))
        seen: set[httpx.URL] = set()
        room = self._max_bytes
        with self._watch.running(_nothing, _nothing):
            while url not in seen:
                if len(seen) == MOST_PAGES:
                    raise CannotTell(UnknownReason.TOO_LARGE, f"more than {MOST_PAGES} pages")
                seen.add(url)
                content = self._get(url, room)
                room -= len(content)
                try:
                    document = msgspec.json.decode(content)
                except msgspec.MsgspecError:
                    raise CannotTell(UnknownReason.WRONG_SHAPE, "expected JSON") from None
                yield document
                following = after(document)
                if following is None:
                    return
                url = self._same_host(url.join(following))
            raise CannotTell(UnknownReason.WRONG_SHAPE, "a page leads back to an earlier one")

    def _get(self, url: httpx.URL, room: int) -> bytes:
        """What ``url`` answers; asked again where it is down for the moment."""
        pause = _PAUSE_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._followed(url, room)
            except _Temporary as error:
                if attempt == _ATTEMPTS or not self._watch.wait(pause):
                    raise CannotTell(error.reason, error.detail) from None
                pause *= 2
        raise AssertionError  # the last attempt returns or raises

    def _followed(self, url: httpx.URL, room: int) -> bytes:
        for _ in range(_MOST_REDIRECTS + 1):
            over = self._watch.over()
            if over is not None:
                raise CannotTell(over, "the service took too long")
            try:
                with self._client.stream("GET", url) as response:
                    if not response.is_redirect:
                        self._require_success(response.status_code)
                        return self._read(response, room)
                    url = self._same_host(url.join(response.headers["location"]))
            except httpx.TimeoutException as error:
                raise _Temporary(UnknownReason.TIMED_OUT, type(error).__name__) from None
            except httpx.TransportError as error:
                raise _Temporary(UnknownReason.UNREACHABLE, type(error).__name__) from None
            except (httpx.InvalidURL, httpx.DecodingError) as error:
                raise CannotTell(UnknownReason.WRONG_SHAPE, type(error).__name__) from None
        raise CannotTell(UnknownReason.REDIRECTED, f"more than {_MOST_REDIRECTS} times in a row")

    def _same_host(self, url: httpx.URL) -> httpx.URL:
        here = (self._root.scheme, self._root.host, self._root.port)
        if (url.scheme, url.host, url.port) != here:
            raise CannotTell(UnknownReason.REDIRECTED, "to another host, which is not asked")
        return url

    def _require_success(self, status: int) -> None:
        if 200 <= status < 300:
            return
        if status in (401, 403):
            raise CannotTell(UnknownReason.PERMISSION_DENIED, f"HTTP {status}")
        if status in _TEMPORARY:
            raise _Temporary(UnknownReason.UNREACHABLE, f"HTTP {status}")
        raise CannotTell(UnknownReason.REFUSED, f"HTTP {status}")

    def _read(self, response: httpx.Response, room: int) -> bytes:
        """Piece by piece: neither a long answer nor one that trickles in is waited for."""
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > room:
                raise CannotTell(UnknownReason.TOO_LARGE, f"more than {self._max_bytes} bytes")
            over = self._watch.over()
            if over is not None:
                raise CannotTell(over, "the answer took too long")
        return bytes(content)


class HttpStore:
    """A service as a store; safe to share between threads."""

    def __init__(self, config: HttpStoreConfig) -> None:
        self._config = config
        self._slots = BoundedSemaphore(config.max_concurrency)
        self._stopped = Stop()
        seconds = config.timeout.total_seconds()
        self._client = httpx.Client(
            headers={
                "Accept": "application/json",
                "User-Agent": "landed",
                **{name: value.get_secret_value() for name, value in config.headers.items()},
            },
            timeout=httpx.Timeout(seconds, connect=min(10.0, seconds)),
            limits=httpx.Limits(max_connections=config.max_concurrency),
            follow_redirects=False,
            trust_env=False,
        )

    @contextmanager
    def session(self) -> Iterator[OpenService]:
        """Opens it; raises ``CannotTell`` where too many are asking."""
        if not self._slots.acquire(timeout=self._config.timeout.total_seconds()):
            raise CannotTell(UnknownReason.TIMED_OUT, "the store is asked by too many at a time")
        try:
            watch = Watch(self._config.timeout, self._stopped)
            if watch.over():
                raise CannotTell(UnknownReason.INTERRUPTED)
            yield OpenService(self._client, self._config, watch)
        finally:
            self._slots.release()

    def probe(self) -> UnknownReason | None:
        """Why nothing can be asked, or None: any answer at all means that somebody is there."""
        try:
            with self.session():
                self._client.get(self._config.url.get_secret_value())
        except CannotTell as error:
            return error.reason
        except httpx.TimeoutException:
            return UnknownReason.TIMED_OUT
        except (httpx.TransportError, httpx.InvalidURL):
            return UnknownReason.UNREACHABLE
        return None

    def examine(self) -> list[Remark]:
        """Whether somebody answers."""
        return reachable(self.probe())

    def interrupt(self) -> None:
        """Ends reading; from now on each question is ``interrupted``."""
        self._stopped.set()

    def close(self) -> None:
        """Interrupts, and closes all connections."""
        self.interrupt()
        self._client.close()


class _Temporary(CannotTell):
    """What may be better in a moment."""


def _nothing() -> None:
    """Reading looks at the watch by itself."""
