"""A SQLite database file, looked at from outside, without SQLite."""

import os
from pathlib import Path
from threading import Lock
from typing import NamedTuple

_WRITE_AND_READ_VERSION = 18
_WAL = b"\x02\x02"
"""Both version bytes of the header in WAL mode (sqlite.org/fileformat.html, 1.3.3)."""


class AtRest(NamedTuple):
    """A WAL database that nobody had open, at one time; equal means untouched."""

    device: int
    inode: int
    size: int
    modified_ns: int


class SqliteFile:
    """One path, at which a database may come, go and be replaced.

    A WAL database that nobody has open has no ``-wal`` file. SQLite would create
    one, and a ``-shm`` file, only to read it, and leave both behind with our rights:
    the job might not be able to open its own database any more. Such a database is
    read as immutable instead, and found ``at_rest`` before and after.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None

    def at_rest(self) -> AtRest | None:
        """Its state, if it is a WAL database that nobody has open; None otherwise."""
        try:
            path = self.path.resolve()
            status = path.stat()
            if path.with_name(path.name + "-wal").exists():
                return None
            if not self._is_wal(path, (status.st_dev, status.st_ino)):
                return None
        except OSError:
            return None
        return AtRest(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def permits_reading(self) -> bool:
        """Whether no permission stands between us and the file, or there is none."""
        try:
            self.path.stat()
        except PermissionError:
            return False
        except OSError:
            return True
        return os.access(self.path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._let_go()

    def _is_wal(self, path: Path, identity: tuple[int, int]) -> bool:
        """Whether the header says WAL.

        The descriptor stays open as long as the same file is there: closing one drops
        every POSIX lock that this process holds on the file, those of SQLite in other
        threads included (sqlite.org/howtocorrupt.html, 2.2).
        """
        with self._lock:
            if self._descriptor is None or self._identity != identity:
                self._let_go()
                self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                self._identity = identity
            return os.pread(self._descriptor, 2, _WRITE_AND_READ_VERSION) == _WAL

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._identity = None
