"""The one ``serve`` of a SQLite ledger: who it is, where it listens, and its token.

Two files stand beside the ledger, readable by its owner alone: ``LEDGER.serve`` is
locked while a ``serve`` runs and tells its address; ``LEDGER.token`` holds the
operate token, made at the first start. A ledger on a server has no such place; there
the files of each ``serve`` stand in the user's state folder, named by its address.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from sqlalchemy.engine import make_url


class AlreadyServed(RuntimeError):
    """Another ``serve`` has this ledger; its text says where it listens."""


def ledger_path(url: str) -> Path | None:
    """The file of a SQLite ledger; None for a ledger that is no file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def state_place(address: str, environ: Mapping[str, str]) -> Path:
    """Beside which path the files of a ``serve`` of a server's ledger stand.

    ``address`` is its URL. The folder is ``LANDED_STATE``, else ``landed`` in
    ``XDG_STATE_HOME`` or ``~/.local/state``.
    """
    state = environ.get("XDG_STATE_HOME") or "~/.local/state"
    folder = Path(environ.get("LANDED_STATE") or f"{state}/landed").expanduser()
    parts = urlsplit(address)
    return folder / f"{quote(parts.hostname or '', safe='')}-{parts.port}"


@contextmanager
def claim(ledger: Path, address: str | None) -> Iterator[None]:
    """Be the one ``serve`` of ``ledger``, listening at ``address``, a URL.

    Without an address: have it to oneself, and listen nowhere.

    Raises ``AlreadyServed``. The lock ends with the process, however it ends.
    """
    path = _beside(ledger, ".serve")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            at = _address(path)
            raise AlreadyServed(
                f"expected a ledger that nobody serves; {ledger} is "
                + (f"served at {at}. Stop that one first" if at else "being copied")
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"url": address, "pid": os.getpid()}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def serving(ledger: Path) -> str | None:
    """The URL of the ``serve`` that has ``ledger`` now; None where there is none."""
    path = _beside(ledger, ".serve")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _address(path)
    else:
        return None
    finally:
        os.close(descriptor)


def operate_token(ledger: Path, *, create: bool = False) -> str | None:
    """The token beside ``ledger``; None where it is not there or not ours to read."""
    path = _beside(ledger, ".token")
    if create:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
    try:
        return path.read_text().strip() or None
    except OSError:
        return None


def _beside(ledger: Path, suffix: str) -> Path:
    return ledger.with_name(ledger.name + suffix)


def _address(path: Path) -> str | None:
    try:
        url = json.loads(path.read_text())["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) else None
