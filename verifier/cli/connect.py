"""The verifier that a command speaks to: one that runs, or the ledger itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy.exc import ArgumentError

from verifier.checks.stores.registry import Stores
from verifier.cli.client import Client
from verifier.cli.ledger_place import existing_ledger
from verifier.cli.local import LocalClient
from verifier.cli.output import note
from verifier.cli.where import Where
from verifier.config.config import Config
from verifier.config.file import Address, Tokens
from verifier.config.problem import ConfigError
from verifier.engine.clock import Clock, Wait, system_clock, system_wait
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.instance import ledger_path, operate_token, serving, state_place
from verifier.engine.listening import GAP, nobody_listens
from verifier.engine.service import Service
from verifier.intake.strangers import Strangers
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.runs.instant import format_instant
from verifier.signals.spool import sweep_spool


@contextmanager
def connect(
    where: Where,
    *,
    creates: bool = False,
    clock: Clock = system_clock,
    wait: Wait = system_wait,
) -> Iterator[Client]:
    """The verifier that ``where`` leads to: the one named, the ``serve`` of the ledger, or none.

    Where nobody serves the ledger, it is opened here; ``creates`` says that it may be
    made, and that the configuration is needed. Raises ``CommandFailed``,
    ``ConfigError`` and ``LedgerError``.
    """
    if where.verifier_url is not None:
        token = where.verifier_token or _own_token(where, where.verifier_url)
        with _remote(where.verifier_url, token) as remote:
            yield remote
        return
    path = _ledger_path(where)
    running = None if path is None else serving(path)
    if path is not None and running is not None:
        # It has a configuration that is right, whatever became of the file since.
        with _remote(running, where.verifier_token or operate_token(path)) as remote:
            yield remote
        return
    config = _config(where, needed=creates)
    url = where.ledger_url(config)
    if not creates:
        existing_ledger(url)
    with Ledger.open(url, clock()) as ledger, _service(ledger, config, clock, wait) as service:
        if creates:
            # Before the spool is read: signals of a job that is not declared stay there.
            service.fleet.declare(clock())
        _catch_up(service, where.spool)
        yield LocalClient(service)


def _config(where: Where, *, needed: bool) -> Config | None:
    """The configuration; where there is no file, ``ConfigError`` names the other ways."""
    try:
        return where.load_config() if needed else where.find_config()
    except ConfigError as error:
        if where.config_path.exists():
            raise
        raise ConfigError([replace(each, hint=_NO_FILE) for each in error.problems]) from None


_NO_FILE = "`landed init` writes one; --config names one elsewhere, and --url a verifier that runs"


def _remote(url: str, token: str | None) -> AbstractContextManager[Client]:
    # It brings httpx, which takes long to load; where nobody serves, nobody needs it.
    from verifier.cli.remote import RemoteClient

    return RemoteClient(url, token)


def _own_token(where: Where, url: str) -> str | None:
    """The token that the verifier at ``url`` made, where that runs here and lets us read it."""
    places = [_ledger_path(where)]
    with suppress(ValueError):  # no address; whoever connects to it says so
        places.append(state_place(url, where.environ))
    for place in places:
        if place is not None and serving(place) == url.rstrip("/"):
            return operate_token(place)
    return None


def _ledger_path(where: Where) -> Path | None:
    """The file of the ledger, as far as that can be told; None for one that is no file."""
    url = where.find_ledger()
    try:
        return None if url is None else ledger_path(url)
    except (ArgumentError, ValueError):
        return None


@contextmanager
def _service(ledger: Ledger, config: Config | None, clock: Clock, wait: Wait) -> Iterator[Service]:
    config = config or _bare_config()
    with Stores(config.stores) as stores:
        fleet = Fleet(config, ledger, stores)
        gatekeeper = Gatekeeper(ledger, fleet, clock)
        try:
            strangers = Strangers(logs=False)
            yield Service(ledger, fleet, gatekeeper, clock, wait, strangers=strangers)
        finally:
            gatekeeper.close()


def _bare_config() -> Config:
    """What is known without a configuration: nothing."""
    return Config(
        file="",
        ledger="",
        listen=Address("127.0.0.1", 0),
        startup_grace=GAP,
        tokens=Tokens(),
        sources={},
        stores={},
        jobs={},
        digest="",
    )


def _catch_up(service: Service, spool: str) -> None:
    """Hear what this host's wrappers wrote down, and own up to what nobody heard."""
    try:
        since = nobody_listens(service.ledger, service.clock())
        if since is not None:
            deaf = format_instant(since.replace(microsecond=0))
            note(
                "note: no `landed serve` runs on this ledger; nobody has listened since "
                f"{deaf}, and silence since then proves nothing"
            )
        sweep_spool(spool, service.receive)
    except (LedgerUnavailable, OSError) as error:
        note(f"note: the spool of this host could not be read into the ledger: {error}")
