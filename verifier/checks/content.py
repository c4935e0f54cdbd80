"""What is in a file: how many rows, and whether it is whole."""

import csv
import hashlib
from collections.abc import Iterator
from enum import StrEnum
from typing import IO, NamedTuple

import msgspec

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.store import FilesSession


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Content(NamedTuple):
    """How many rows there are, and what is wrong where the file is torn or mangled."""

    rows: int
    broken: str | None = None


_LONGEST_LINE = 16 * 1024 * 1024
_LINES_BETWEEN_LOOKS_AT_THE_TIME = 10_000


def format_of(path: str) -> Format | None:
    """What the end of ``path`` says of its format, or None."""
    endings = {".csv": Format.CSV, ".ndjson": Format.NDJSON, ".jsonl": Format.NDJSON}
    endings[".parquet"] = Format.PARQUET
    return next((kind for end, kind in endings.items() if path.lower().endswith(end)), None)


def rows_in(session: FilesSession, path: str, form: Format, *, header: bool) -> Content:
    """The rows of the file at ``path``; raises ``CannotTell`` where it cannot be read."""
    with session.open(path) as opened:
        if form is Format.CSV:
            return _csv(session, opened, header)
        if form is Format.NDJSON:
            return _ndjson(session, opened)
        return _parquet(opened)


def digest_of(session: FilesSession, path: str, algorithm: str) -> str:
    """The checksum of the file at ``path``, in lower-case hexadecimal."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with session.open(path) as opened:
        for piece in session.chunks(opened):
            digest.update(piece)
    return digest.hexdigest()


def text_of(session: FilesSession, path: str, most_bytes: int) -> str:
    """The text of a small file; raises ``CannotTell`` where it is large, or no UTF-8."""
    content = b""
    with session.open(path) as opened:
        for piece in session.chunks(opened):
            content += piece
            if len(content) > most_bytes:
                raise CannotTell(UnknownReason.TOO_LARGE, f"more than {most_bytes} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CannotTell(UnknownReason.NOT_TEXT, "expected UTF-8") from None


def _lines(session: FilesSession, opened: IO[bytes]) -> Iterator[bytes]:
    number = 0
    while line := opened.readline(_LONGEST_LINE):
        number += 1
        if number % _LINES_BETWEEN_LOOKS_AT_THE_TIME == 1:
            session.require_time()
        yield line


def _csv(session: FilesSession, opened: IO[bytes], header: bool) -> Content:
    rows = 0
    width: int | None = None

    def text() -> Iterator[str]:
        for line in _lines(session, opened):
            yield line.decode("utf-8-sig" if width is None else "utf-8")

    try:
        for row in csv.reader(text(), strict=True):
            if not row:
                continue
            if width is None:
                width = len(row)
                rows -= header
            rows += 1
            if len(row) != width:
                return Content(rows, f"row {rows} has {len(row)} columns, the first has {width}")
    except UnicodeDecodeError:
        raise CannotTell(UnknownReason.NOT_TEXT, "expected UTF-8") from None
    except csv.Error as error:
        return Content(max(0, rows), f"after row {max(0, rows)}: {error}")
    return Content(max(0, rows), "no header" if header and width is None else None)


def _ndjson(session: FilesSession, opened: IO[bytes]) -> Content:
    rows = 0
    for line in _lines(session, opened):
        if not line.strip():
            continue
        try:
            msgspec.json.decode(line, type=msgspec.Raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Content(rows, f"row {rows + 1} is no JSON")
        rows += 1
    return Content(rows)


def _parquet(opened: IO[bytes]) -> Content:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        return Content(parquet.ParquetFile(opened).metadata.num_rows)
    except arrow.ArrowInvalid as error:
        return Content(0, str(error).partition("\n")[0][:100])
