"""A log file, read on and on: across rotation, truncation and restarts.

A position names a file by its inode *and* a checksum of its first bytes: a rotated
file keeps both, or with ``copytruncate`` its copy keeps the checksum, and a truncated
one keeps the inode alone. Where nobody can tell, a file is read again from its
beginning: what it says has the same ids as before, so it is not counted twice.
"""

import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

LINE = 16_384
"""Bytes of a line; of a longer one nothing is read."""

PAGE = 1 << 20
"""Bytes that are read at a time."""

HEAD = 1_024
"""Bytes at the beginning of a file by which it is known again."""

_ROTATED = re.compile(r"\.\d{1,4}(\.gz)?|-\d{8}(-?\d{1,10})?(\.gz)?", re.ASCII)


class Position(msgspec.Struct, frozen=True):
    """How far a file was read: ``offset`` bytes, in whole lines.

    ``head`` is a checksum of its first ``head_length`` bytes. ``skipping``: a line that
    is too long was begun, and its end is still to come.
    """

    inode: int
    offset: int = 0
    head_length: int = 0
    head: str = ""
    skipping: bool = False


class Page(msgspec.Struct, frozen=True):
    """Some lines, without their line ends, and the position after them.

    ``too_long`` lines were left out. ``lost``: some before these can never be had.
    """

    lines: list[bytes]
    position: Position
    too_long: int = 0
    cut_off: bool = False
    lost: bool = False


class Split(msgspec.Struct, frozen=True):
    """What whole lines were in some bytes: ``used`` bytes of them belong to those."""

    lines: list[bytes]
    used: int
    too_long: int
    skipping: bool


def split(data: bytes, *, skipping: bool = False) -> Split:
    """The whole lines in ``data``; of the last one the end may still come."""
    lines: list[bytes] = []
    used = too_long = 0
    while (end := data.find(b"\n", used)) >= 0:
        if skipping:
            skipping = False
        elif end - used > LINE:
            too_long += 1
        else:
            lines.append(data[used:end])
        used = end + 1
    if len(data) - used > LINE:
        too_long += not skipping
        skipping = True
    if skipping:
        used = len(data)
    return Split(lines, used, too_long, skipping)


def pages(
    path: Path, position: Position | None, heard_until: datetime, size: int = PAGE
) -> Iterator[Page]:
    """What is new at ``path`` since ``position``, up to the end of the newest file.

    Where there is no position, or its file is gone, the files are read that were written
    to after ``heard_until``, and the newest one. ``size`` in bytes, more than ``LINE``.
    Raises ``OSError``.
    """
    todo, lost = _resume(path, position, heard_until)
    if lost:
        yield Page([], todo[0][1], lost=True)
    for index, (file, at) in enumerate(todo):
        try:
            yield from _read(file, at, size, is_last=index + 1 == len(todo))
        except _BROKEN:
            yield Page([], at, lost=True)


_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)
"""What a compressed file raises that is none, or not whole."""


def _resume(
    path: Path, position: Position | None, heard_until: datetime
) -> tuple[list[tuple[Path, Position]], bool]:
    """The files to read, oldest first, each from where; and whether some are gone."""
    files = _files(path)
    index = None if position is None else _find(files, position)
    if position is None or index is None:
        newer = [file for file in files if file == files[-1] or _is_newer(file, heard_until)]
        # Of a file of which nothing was read nothing is known to be gone.
        lost = position is not None and position.head_length > 0
        return [(file, _beginning(file)) for file in newer], lost
    later = files[index + 1 :]
    if not any(file.stat().st_size for file in later):
        # Whoever writes the log may not have let go of the old file yet.
        later = []
    return [(files[index], position), *((file, _beginning(file)) for file in later)], False


def _is_newer(file: Path, heard_until: datetime) -> bool:
    return file.stat().st_mtime >= heard_until.timestamp()


def _files(path: Path) -> list[Path]:
    """The file and those it was rotated to, oldest first."""
    rotated = [
        file
        for file in path.parent.glob(_literally(path.name) + "?*")
        if _ROTATED.fullmatch(file.name[len(path.name) :]) and file.is_file()
    ]
    names = {file.name for file in rotated}
    # While one is being compressed both are there.
    rotated = [
        file
        for file in rotated
        if file.suffix != ".gz" or file.name.removesuffix(".gz") not in names
    ]
    rotated.sort(key=_age)
    present = path.exists()
    if present and not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is no file")
    if not present and not rotated:
        path.stat()
    return [*rotated, path] if present else rotated


def _literally(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _age(file: Path) -> tuple[int, int]:
    number = re.search(r"\.(\d+)(?:\.gz)?$", file.name)
    return file.stat().st_mtime_ns, -int(number[1]) if number else 0


def _find(files: list[Path], position: Position) -> int | None:
    """Which of ``files`` is that of ``position``; None where none is."""
    newest_first = range(len(files) - 1, -1, -1)
    likeliest = sorted(newest_first, key=lambda index: files[index].stat().st_ino != position.inode)
    return next((index for index in likeliest if _is_of(files[index], position)), None)


def _is_of(file: Path, position: Position) -> bool:
    """Whether ``file`` holds, at least, what was read up to ``position``."""
    with closing(_open(file)) as opened, suppress(*_BROKEN):
        if position.head_length == 0:
            return os.fstat(opened.fileno()).st_ino == position.inode
        same = _head(opened, position.head_length) == position.head
        return same and opened.seek(0, os.SEEK_END) >= position.offset
    return False


def _beginning(file: Path) -> Position:
    return Position(file.stat().st_ino)


def _open(file: Path) -> BinaryIO:
    if file.suffix == ".gz":
        return cast(BinaryIO, gzip.open(file, "rb"))
    return file.open("rb")


def _head(opened: BinaryIO, length: int) -> str:
    opened.seek(0)
    return blake2b(opened.read(length), digest_size=16).hexdigest()


def _read(file: Path, position: Position, size: int, *, is_last: bool) -> Iterator[Page]:
    """The pages of one file; where it ``is_last``, the end of its last line may still come."""
    with closing(_open(file)) as opened:
        inode = os.fstat(opened.fileno()).st_ino
        if position.head_length and _head(opened, position.head_length) != position.head:
            return  # rotated this very moment
        while True:
            opened.seek(position.offset)
            data = opened.read(size)
            found = split(data, skipping=position.skipping)
            offset = position.offset + found.used
            length = min(HEAD, offset)
            at_end = len(data) < size
            position = Position(
                inode=inode,
                offset=offset,
                head_length=length,
                head=_head(opened, length),
                skipping=found.skipping,
            )
            cut_off = at_end and not is_last and found.used < len(data)
            if found.used or cut_off or found.too_long:
                yield Page(found.lines, position, found.too_long, cut_off)
            if at_end:
                return
