"""``landed.yaml`` as a whole: what stands at its top."""

import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainValidator, SecretStr, WithJsonSchema

from verifier.checks.model import Name
from verifier.checks.stores.registry import StoreConfig
from verifier.config.job import JobModel
from verifier.config.model import KeptFor, Limit, Model
from verifier.config.source import SourceModel
from verifier.runs.declaration import Severity
from verifier.runs.duration import parse_duration

_ADDRESS = re.compile(
    r"(\[(?P<bracketed>[0-9A-Fa-f:.]{2,100})\]|(?P<host>[A-Za-z0-9._-]{1,253})):(?P<port>[0-9]{1,5})"
)
_LAST_PORT = 65535


class Address(NamedTuple):
    """A host and a TCP port to listen on; port 0 takes any that is free."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def _address(value: Any) -> Address:
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"]) > _LAST_PORT:
        raise ValueError(
            f"expected a host and a port such as 127.0.0.1:9877, found {str(value)[:60]!r}"
        )
    return Address(found["bracketed"] or found["host"], int(found["port"]))


AddressField = Annotated[
    Address,
    PlainValidator(_address),
    WithJsonSchema({"type": "string", "pattern": r"^.+:[0-9]{1,5}$"}),
]

Token = Annotated[SecretStr, Field(min_length=16, max_length=1000)]


def _ping_token(value: Any) -> SecretStr:
    written = value.get_secret_value() if isinstance(value, SecretStr) else value
    try:
        return SecretStr(str(UUID(written)))
    except (TypeError, ValueError, AttributeError):
        raise ValueError("expected a UUID, found something else") from None


PingToken = Annotated[
    SecretStr,
    BeforeValidator(_ping_token),
    WithJsonSchema({"type": "string", "format": "uuid", "writeOnly": True}),
]
"""A UUID that is a secret; written with or without hyphens, kept in lower case with them."""


class Tokens(Model):
    """What callers show in `Authorization: Bearer …`. Needed to listen beyond loopback."""

    ingest: tuple[Token, ...] = ()
    """Those who hold one may send signals."""
    operate: dict[Name, Token] = Field(default_factory=dict)
    """Those who hold one may act, under the name it is given here."""
    ping: dict[Name, PingToken] = Field(default_factory=dict)
    """Under which UUID a job is pinged, by job: for clients that ping `/ping/<uuid>` as they
    did elsewhere. It opens nothing but the pings of that job."""


class Retention(Model):
    """How long the ledger keeps what it knows. Older things are forgotten a little at a time."""

    signals: KeptFor = parse_duration("35d")
    """Single signals, and with it how long a signal may come late or come again: the same job
    and id is one signal, and one that was said before what is kept is refused (`too_old`).
    What was made of them, runs and attempts, stays."""
    runs: KeptFor = parse_duration("400d")
    """Runs that are closed, with their attempts, evaluations, revisions and actions; at least
    as long as `signals`. The newest 200 occurrences of each job stay whatever their age, and so
    does the newest verified one of each partition. No counter falls when history is forgotten."""


class Defaults(Model):
    """What jobs take where they do not say it themselves."""

    timezone: str = "UTC"
    """IANA name, such as `Europe/Berlin`."""
    severity: Severity = Severity.TICKET
    """How loudly a stale job asks for a person."""


class ConfigFile(Model):
    """The configuration of one verifier."""

    version: Literal[1]
    """The version of this format."""
    ledger: str = "sqlite:///landed.db"
    """Where the verifier keeps what it knows. The variable `LANDED_LEDGER` wins over it."""
    listen: AddressField = Address("127.0.0.1", 9877)
    """The address on which `landed serve` answers."""
    startup_grace: Limit = parse_duration("60s")
    """How long spools have after a start before anything is called missing."""
    retention: Retention = Retention()
    """How long the ledger keeps what it knows."""
    defaults: Defaults = Defaults()
    """What jobs take where they do not say it themselves."""
    tokens: Tokens = Tokens()
    """What callers show to be let in."""
    sources: dict[Name, SourceModel] = Field(default_factory=dict)
    """Schedulers that are heard, by name."""
    stores: dict[Name, StoreConfig] = Field(default_factory=dict)
    """Where checks look, by name."""
    jobs: dict[Name, JobModel]
    """What is to be verified, by name."""
