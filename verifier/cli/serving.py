"""Serving a ledger: the address, the sidecar behind it, and the stop."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from verifier.cli.exits import CommandFailed
from verifier.cli.output import note, show_json, show_lines
from verifier.cli.sidecar import Sidecar
from verifier.cli.text import plain
from verifier.cli.where import Where
from verifier.config.config import Config
from verifier.config.file import Address, AddressField
from verifier.engine.instance import (
    AlreadyServed,
    claim,
    ledger_path,
    operate_token,
    serving,
    state_place,
)
from verifier.ledger.filesystem import network_filesystem
from verifier.runs.duration import parse_duration
from verifier.web.access import Access
from verifier.web.app import build_app
from verifier.web.logs import configure_logs
from verifier.web.server import CannotListen, Listener, listen
from verifier.web.server import serve as serve_app

_M_ARENA_MAX = -8
"""The parameter's number in malloc.h of glibc."""

SHORTEST_TICK = timedelta(milliseconds=50)
LONGEST_TICK = timedelta(seconds=60)


def serve_until_stopped(where: Where, *, listen_at: str | None, tick: str, as_json: bool) -> None:
    """Serve until SIGTERM or Ctrl-C; the ready line is on stdout.

    Raises ``CommandFailed``, ``ConfigError`` and ``LedgerError``.
    """
    _tune_memory()
    loaded = where.load_config()
    for warning in loaded.warnings:
        note(str(warning))
    address = _address(listen_at, loaded)
    every = _tick(tick)
    path = ledger_path(loaded.ledger)
    running = None if path is None else serving(path)
    if running is not None:
        raise CommandFailed(f"{path} is served at {running} already", hint="stop that one first")
    far = None if path is None else network_filesystem(path)
    if far is not None:
        note(
            f"warning: {path} lies on a network file system ({far}), where SQLite's locks do not "
            "hold and a ledger may be damaged: keep it on a local disk, or in PostgreSQL"
        )
    if path is None:
        for told in shared_notes(loaded):
            note(told)
    try:
        listener = listen(address.host, address.port)
        configure_logs()
        try:
            with (
                _place(path, listener.url, where) as place,
                Sidecar(where, loaded, every) as sidecar,
            ):
                token = None if place is None else operate_token(place, create=True)
                app = build_app(sidecar.service, Access.of(address, loaded.tokens, token))
                _announce(listener, loaded, as_json=as_json)
                serve_app(app, listener, sidecar.interrupt)
        finally:
            listener.close()
    except (AlreadyServed, CannotListen) as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{path or 'the ledger'} cannot be served: {error.strerror}") from None


@contextmanager
def _place(path: Path | None, address: str, where: Where) -> Iterator[Path | None]:
    """Beside which path this ``serve`` has its files: beside the ledger, if that is a file.

    Of another ledger many may serve, and none needs a file to do so: None where it
    cannot have any.
    """
    with ExitStack() as held:
        place = path
        if path is not None:
            held.enter_context(claim(path, address))
        else:
            place = state_place(address, where.environ)
            try:
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                held.enter_context(claim(place, address))
            except (AlreadyServed, OSError) as error:
                note(f"note: no operate token is made: {error}; see LANDED_STATE, tokens.operate")
                place = None
        yield place


def shared_notes(config: Config) -> Iterator[str]:
    """What to know of a configuration whose ledger several replicas may serve."""
    of_hosts = [name for name, source in config.sources.items() if source.kind.of_host]
    if of_hosts:
        yield (
            f"note: {', '.join(of_hosts)}: read on the host of the one replica that sweeps; all "
            "replicas must see the same log, else runs that another one shows are called missing"
        )


def _tune_memory() -> None:
    """Look for garbage less often, and never in what was imported; one heap for all threads.

    Signals come by the thousand and make no cycles; to look through them each time
    took a fifth of all that is done about them. Of many heaps each would keep as much
    as it ever needed, so that memory would grow for hours.
    """
    with suppress(OSError, AttributeError):  # only glibc has many
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _announce(listener: Listener, config: Config, *, as_json: bool) -> None:
    if as_json:
        show_json({"url": listener.url, "config": config.file, "jobs": len(config.jobs)})
    else:
        show_lines(
            f"landed serves {len(config.jobs)} jobs of {plain(config.file)} at {listener.url}"
        )


def _address(text: str | None, config: Config) -> Address:
    """The address to listen at; raises ``CommandFailed`` for one that would be open to all."""
    if text is None:
        return config.listen
    try:
        address: Address = TypeAdapter(AddressField).validate_python(text)
    except ValidationError:
        raise CommandFailed(
            f"--listen: expected a host and a port such as 127.0.0.1:9877, found {text[:60]!r}"
        ) from None
    if not address.loopback and not (config.tokens.ingest and config.tokens.operate):
        raise CommandFailed(
            f"--listen: {address.host} is beyond loopback, and `tokens` has no ingest or no "
            "operate token: anyone on the network could write signals or act"
        )
    return address


def _tick(text: str) -> timedelta:
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise CommandFailed(f"--tick: {error}") from None
    if not SHORTEST_TICK <= length <= LONGEST_TICK:
        raise CommandFailed(f"--tick: expected 50ms to 60s, found {text!r}")
    return length
