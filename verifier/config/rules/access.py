"""Whether the verifier can be reached by those who may, and keep what it learns."""

from collections.abc import Collection

from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from verifier.config.codes import Code
from verifier.config.file import ConfigFile, Tokens
from verifier.config.problem import Path
from verifier.config.reporter import Reporter
from verifier.config.secret import show_value

_SQLITE = "sqlite:///landed.db"
_POSTGRESQL = "postgresql+psycopg://landed@db/landed"


def check_access(config: ConfigFile, jobs: Collection[str], reporter: Reporter) -> None:
    """Report an address that is open to others without tokens, and tokens that cannot be.

    ``jobs`` are the names of those that the file declares.
    """
    tokens = config.tokens
    lacking = [name for name in ("ingest", "operate") if not getattr(tokens, name)]
    if not config.listen.loopback and lacking:
        reporter.error(
            Code.OPEN_WITHOUT_TOKENS,
            ("listen",),
            f"expected a loopback address, or tokens to {' and to '.join(lacking)}, found neither",
            "listen on 127.0.0.1:9877, or add tokens: {ingest: [${…}], operate: {name: ${…}}}",
        )
    _check_tokens(tokens, reporter)
    for name in tokens.ping:
        if name not in jobs:
            message = "expected the name of a declared job, found another one"
            hint = "a ping token is of one job, and bears its name"
            reporter.error(Code.UNKNOWN_JOB, ("tokens", "ping", name), message, hint, at_key=True)


def check_ledger(ledger: str, origin: str | None, reporter: Reporter) -> None:
    """Report a ledger that cannot be kept; ``origin`` names the variable it came from."""
    from_where = f" in {origin}" if origin else ""
    path: Path = ("ledger",)
    try:
        url = make_url(ledger)
    except (ArgumentError, ValueError):
        message = f"expected a database URL{from_where}, found something else"
        reporter.error(Code.BAD_VALUE, path, message, f"such as {_SQLITE}")
        return
    found = show_value(ledger, path)
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        message = f"expected a SQLite or PostgreSQL ledger{from_where}, found {found}"
        reporter.error(Code.BAD_VALUE, path, message, f"such as {_SQLITE} or {_POSTGRESQL}")
    elif url.database in (None, "", ":memory:") or url.query:
        message = f"expected the path of a file{from_where}, found none, or options behind it"
        reporter.error(Code.BAD_VALUE, path, message, f"such as {_SQLITE}")


def _check_tokens(tokens: Tokens, reporter: Reporter) -> None:
    held: list[tuple[Path, SecretStr]] = [
        *((("tokens", "ingest", index), each) for index, each in enumerate(tokens.ingest)),
        *((("tokens", "operate", name), each) for name, each in tokens.operate.items()),
        *((("tokens", "ping", name), each) for name, each in tokens.ping.items()),
    ]
    seen: set[str] = set()
    for path, secret in held:
        token = secret.get_secret_value()
        if token in seen:
            message = "expected a token that stands nowhere else, found one that does"
            reporter.error(Code.SAME_TOKEN, path, message)
        if not token.isascii() or not token.isprintable() or " " in token:
            message = "expected printable ASCII without spaces, found other characters"
            reporter.error(Code.BAD_VALUE, path, message)
        seen.add(token)
