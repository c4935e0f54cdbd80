"""The file to which OpenLineage's ``file`` transport appends: one event a line."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

CHUNK = 4 * 1024 * 1024
"""Bytes read at a time."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A place in a file: which file it is, and how many of its bytes were read."""

    file: int = 0
    offset: int = 0


class Spool:
    """The whole lines of a file after a place.

    A file that was replaced or cut is read from its beginning: the same event again is
    the same signal. Half a line at the end waits for its other half.
    """

    def __init__(self, path: Path, place: Place | None) -> None:
        self._path = path
        self.place = place or Place()

    def lines(self) -> Iterator[list[bytes]]:
        """Lines, some at a time; ``place`` is behind those that were given.

        Raises ``OSError``.
        """
        with self._path.open("rb") as file:
            state = os.fstat(file.fileno())
            same = state.st_ino == self.place.file and state.st_size >= self.place.offset
            offset = self.place.offset if same else 0
            while True:
                file.seek(offset)
                chunk = file.read(CHUNK)
                end = chunk.rfind(b"\n") + 1
                if not end and len(chunk) == CHUNK:
                    end = CHUNK  # no end in sight: whatever it is, it is no event
                if not end:
                    return
                offset += end
                self.place = Place(state.st_ino, offset)
                yield chunk[:end].splitlines()
