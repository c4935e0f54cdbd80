"""``landed ledger export``: run history as NDJSON."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Annotated

import typer

from verifier.cli.exits import CommandFailed
from verifier.cli.ledger_place import existing_ledger
from verifier.cli.options import ConfigOption, JobOption, LedgerOption, SinceOption, UntilOption
from verifier.cli.output import counting, leave_broken_pipe, note
from verifier.cli.text import plain
from verifier.cli.when import parse_when
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.engine.export import export as exported
from verifier.ledger.history import Span
from verifier.ledger.ledger import Ledger

TOLD_EVERY = 50
"""Runs between two movements of the bar."""


def export(
    job: JobOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write (default: stdout).", show_default=False),
    ] = None,
    config: ConfigOption = None,
    url: LedgerOption = None,
) -> None:
    """Write every run with its attempts, evaluations, revisions and actions, one a line."""
    where, now = Where(config=config, ledger=url), system_clock()
    span = Span(
        job=job,
        since=None if since is None else parse_when(since, now),
        until=None if until is None else parse_when(until, now),
    )
    with (
        Ledger.open(existing_ledger(where.ledger_url(where.find_config())), now) as ledger,
        exported(ledger, span, now) as history,
        _target(out) as target,
        counting("writing runs") as tell,
    ):
        if job is not None and not history.count and job not in ledger.histories():
            raise CommandFailed(f"no job is declared by the name of {plain(job[:100])}")
        number = 0
        for number, document in enumerate(history.documents, 1):
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            target.write(f"{text}\n".encode("utf-8", "backslashreplace"))
            if number % TOLD_EVERY == 0:
                tell(number, history.count)
    if out is not None:
        note(f"wrote {number} runs to {plain(out)}")


@contextmanager
def _target(out: Path | None) -> Iterator[IO[bytes]]:
    """Where to write; a file takes its name when all of it is on the disk, or never."""
    if out is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            leave_broken_pipe()
        return
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            part = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.replace(out)
            except BaseException:
                with suppress(FileNotFoundError):
                    part.unlink()
                raise
    except OSError as error:
        raise CommandFailed(f"{plain(out)} cannot be written: {error.strerror}") from None
