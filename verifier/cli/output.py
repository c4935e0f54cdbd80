"""Where a command writes: its result to stdout, everything else to stderr."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NoReturn

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from verifier.cli.exits import BROKEN_PIPE
from verifier.cli.text import plain


class _Console(Console):
    """A console that nobody may have to read: a closed pipe is no failure of the command."""

    def on_broken_pipe(self) -> NoReturn:
        leave_broken_pipe()


def leave_broken_pipe() -> NoReturn:
    """End quietly: nobody reads what is written any more."""
    # What is still buffered would be written, and fail again, when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(BROKEN_PIPE)


def stdout() -> Console:
    """The console for results. Nothing in a text is taken for markup."""
    return _Console(markup=False, emoji=False, highlight=False)


def stderr() -> Console:
    """The console for notes, problems and progress."""
    return _Console(stderr=True, markup=False, emoji=False, highlight=False)


def show(*renderables: RenderableType) -> None:
    """Write for people; where no terminal shows it, no line is padded."""
    console = stdout()
    for renderable in renderables:
        if console.is_terminal:
            console.print(renderable)
            continue
        with console.capture() as written:
            console.print(renderable)
        lines = (line.rstrip() for line in written.get().split("\n"))
        console.print("\n".join(lines), soft_wrap=True, end="")


def show_lines(text: str) -> None:
    """Write text to be copied: nothing is wrapped, cut or coloured."""
    stdout().print(text, soft_wrap=True)


def show_json(document: Any) -> None:
    """Write the one JSON document of ``--json``."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    # A lone surrogate (bytes of the command line that are no UTF-8) is written as its escape.
    content = text.encode("utf-8", "backslashreplace")
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        leave_broken_pipe()


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show on stderr that something takes a while, where a person sees it."""
    console = stderr()
    with console.status(text) if console.is_terminal else nullcontext():
        yield


@contextmanager
def counting(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, where a person sees it; gives what to tell how much of how much is done.

    Without a total it only shows the time.
    """
    console = stderr()
    if not console.is_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn(text), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def note(text: str) -> None:
    """Tell a person something beside the result."""
    stderr().print(plain(text), soft_wrap=True)
