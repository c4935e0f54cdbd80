"""Who may ask what: hosts, tokens, and what each of them opens."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from hmac import compare_digest
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from verifier.config.file import Address, Tokens
from verifier.web.problems import HttpProblem, ProblemKind, problem_response

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "ip6-localhost"})


class Right(Enum):
    """What a route asks of its caller.

    ``OPEN``: nothing. ``USE``: an ingest or operate token, where those are needed.
    ``OPERATE``: an operate token, always.
    """

    OPEN = "open"
    USE = "use"
    OPERATE = "operate"


@dataclass(frozen=True)
class Caller:
    """Who asks. ``name`` is that of a configured operate token, None elsewhere."""

    may_operate: bool = False
    name: str | None = None

    def signing(self, by: str) -> str:
        """``by`` as it is recorded: what the caller says, and the token that vouches for it."""
        return f"{by} (token {self.name})" if self.name else by


@dataclass(frozen=True, kw_only=True)
class Access:
    """The hosts and tokens of one verifier.

    ``tokens_needed``: reading and sending take a token too. ``addresses``: a Host
    that is an IP address is fine whatever it is; nobody can rebind one.
    """

    hosts: frozenset[str]
    addresses: bool
    tokens_needed: bool
    ingest: tuple[bytes, ...] = field(repr=False)
    operate: tuple[tuple[str | None, bytes], ...] = field(repr=False)
    ping: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, listen: Address, tokens: Tokens, made: str | None, hosts: Iterable[str] = ()
    ) -> "Access":
        """The rules for listening at ``listen``.

        ``made`` is the operate token that stands beside the ledger; it has no name.
        ``hosts`` are further names under which the verifier is reached.
        """
        operate: list[tuple[str | None, bytes]] = [
            (name, token.get_secret_value().encode()) for name, token in tokens.operate.items()
        ]
        if made:
            operate.append((None, made.encode()))
        return cls(
            hosts=LOOPBACK_NAMES | {host_name(each) for each in (_bracketed(listen.host), *hosts)},
            addresses=not listen.loopback,
            tokens_needed=not listen.loopback or bool(tokens.ingest),
            ingest=tuple(token.get_secret_value().encode() for token in tokens.ingest),
            operate=tuple(operate),
            ping=tuple(
                (job, token.get_secret_value().encode()) for job, token in tokens.ping.items()
            ),
        )

    def knows_host(self, headers: Headers) -> bool:
        """Whether the request was meant for us: against names rebound to our address."""
        given = headers.getlist("host")
        name = host_name(given[0]) if len(given) == 1 else ""
        return name in self.hosts or (self.addresses and _is_address(name))

    def admit(self, authorization: str | None, right: Right) -> Caller:
        """The caller, if the ``Authorization`` header gives ``right``.

        Raises ``HttpProblem``: 401 without a token that is known, 403 with one that
        opens less.
        """
        scheme, _, token = (authorization or "").partition(" ")
        caller = self._holder(token.strip()) if scheme.lower() == "bearer" else None
        needed = right is Right.OPERATE or (right is Right.USE and self.tokens_needed)
        if needed and caller is None:
            raise _unauthorized(right, given=authorization is not None)
        if caller is None:
            return Caller()
        if right is Right.OPERATE and not caller.may_operate:
            raise HttpProblem(
                ProblemKind.FORBIDDEN, "expected an operate token, found an ingest token"
            )
        return caller

    def lets_use(self, token: str) -> bool:
        """Whether who shows ``token``, or nothing (""), may send signals."""
        return not self.tokens_needed or self._holder(token) is not None

    def job_of_ping(self, token: str) -> str | None:
        """The job whose pings ``token`` opens, None for one that opens none."""
        shown = token.encode()
        found = None
        for job, known in self.ping:
            if compare_digest(known, shown):
                found = job
        return found

    def _holder(self, token: str) -> Caller | None:
        # Every token is compared, so that time tells nothing of which one is close.
        shown = token.encode()
        found = None
        for known in self.ingest:
            if compare_digest(known, shown):
                found = Caller()
        for name, known in self.operate:
            if compare_digest(known, shown):
                found = Caller(may_operate=True, name=name)
        return found


def _unauthorized(right: Right, *, given: bool) -> HttpProblem:
    kind = "an operate token" if right is Right.OPERATE else "an ingest or operate token"
    found = "one that is not known" if given else "none"
    challenge = 'Bearer realm="landed"' + (', error="invalid_token"' if given else "")
    return HttpProblem(
        ProblemKind.UNAUTHORIZED,
        f"expected Authorization: Bearer with {kind}, found {found}",
        {"WWW-Authenticate": challenge},
    )


def host_name(host: str) -> str:
    """The name in a ``Host`` header: without port, brackets, case and final dot."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class HostCheck:
    """Middleware: refuses what was meant for another host, whatever the route."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        headers = Headers(scope=scope)
        if self._access.knows_host(headers):
            await self._app(scope, receive, send)
            return
        found = headers.get("host") or "none"
        problem = HttpProblem(
            ProblemKind.WRONG_HOST,
            f"expected a Host under which this verifier is known, found {found[:100]}",
        )
        await problem_response(problem, scope)(scope, receive, send)
