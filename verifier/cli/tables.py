"""Tables for people: the verdict first, readable at 80 columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from verifier.cli.text import lasting, minutes, plain, seconds, styled, to_minute, verdict_text
from verifier.intake.strangers import COUNTED
from verifier.runs.contact import CLOCK_TOLERANCE
from verifier.runs.instant import parse_instant

WIDE = 112
"""Columns from which on a table has room for run ids."""

GAP = 2
"""Columns between two columns of a table."""

NARROWEST = 8
"""Columns that even a long text keeps."""

INSTANT = len("2026-04-03T02:00:30Z")
"""Columns of an instant: one that lost its end could be any."""

_MOST_PROBLEMS = 3
"""Problems of a configuration that a status tells; `landed validate` tells all."""

Document = Mapping[str, Any]


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    width: int,
    *,
    cut: Mapping[str, int],
) -> Table:
    """A table of at most ``width`` columns.

    What is too long for it loses its end in the columns of ``cut``, which tells how wide
    each of them stays; every other column is shown whole.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    widths = [max(map(cell_width, column)) for column in zip(head, *rows, strict=True)]
    flexible = {index: cut[name] for index, name in enumerate(head) if name in cut}
    shrink(widths, flexible, width - GAP * (len(head) - 1))
    for name, most in zip(head, widths, strict=True):
        made.add_column(name, max_width=most, no_wrap=True, overflow="ellipsis")
    for row in rows:
        made.add_row(*row)
    return made


def cell_width(cell: str | Text) -> int:
    """How many columns of a terminal a cell takes."""
    text = cell.plain if isinstance(cell, Text) else cell
    return max(map(cell_len, text.split("\n")))


def shrink(widths: list[int], flexible: Mapping[int, int], total: int) -> None:
    """Make the widest of the ``flexible`` columns narrower, until all fit in ``total``.

    None of them becomes narrower than ``flexible`` says.
    """
    while sum(widths) > total:
        wide = [index for index, least in flexible.items() if widths[index] > least]
        if not wide:
            return
        widths[max(wide, key=lambda index: widths[index])] -= 1


def runs_table(runs: Sequence[Document], width: int) -> Table:
    """Run documents, one a row; run ids where ``width`` has room for them."""
    partitioned = any(run["partition"] for run in runs)
    with_id = width >= WIDE
    head = ["VERDICT", "JOB", "DUE", "REPORTED", "DO NEXT"]
    rows: list[list[str | Text]] = [
        [
            verdict_text(run),
            plain(run["job"]),
            occurrence(run),
            reported_text(run),
            plain(run["advice"]["action"]),
        ]
        for run in runs
    ]
    if partitioned:
        head.insert(3, "PARTITION")
        for row, run in zip(rows, runs, strict=True):
            row.insert(3, plain(run["partition"] or ""))
    if with_id:
        head.append("RUN")
        for row, run in zip(rows, runs, strict=True):
            row.append(plain(run["run_id"]))
    return table(head, rows, width, cut={"JOB": NARROWEST, "DUE": INSTANT, "PARTITION": NARROWEST})


def occurrence(run: Document) -> str:
    """The due instant of a run, or the attempt that it was made by hand for."""
    if run["due"]:
        return minutes(run["due"])
    return plain(run["run"].removeprefix(f"{run['job']}/"))


def reported_text(run: Document) -> Text:
    """What was reported; a success that the destination denies stands out."""
    return styled(run["reported"], "bold red" if run["false_success"] else "")


def jobs_table(jobs: Sequence[Document], width: int, now: datetime) -> Table:
    """The status of jobs, one a row; ``now`` tells what is stale."""
    head = ("STATE", "JOB", "OPEN", "USEFUL", "NEXT DUE")
    rows = [
        (
            state_text(job, now),
            plain(job["job"]),
            "\n".join(f"{count} {plain(verdict)}" for verdict, count in job["open"].items()) or "-",
            to_minute(job["last_useful_completion"]),
            minutes(job["next_due"]),
        )
        for job in jobs
    ]
    return table(head, rows, width, cut={"JOB": NARROWEST})


def state_text(job: Document, now: datetime) -> Text:
    """One word on a job, what a person has to know of it first; and whether it is held."""
    state = _state(job, now)
    return state.append("\nheld", style="yellow") if job.get("held") else state


def _state(job: Document, now: datetime) -> Text:
    due = job["useful_completion_due"]
    if due is not None and parse_instant(due) < now:
        return Text("stale", style="bold red")
    if job["open"]:
        return Text("open", style="red")
    if job.get("muted_until"):
        return Text("muted", style="yellow")
    if job["active_attempts"]:
        return Text("running", style="blue")
    if due is None:
        return Text("no limit", style="dim")
    return Text("ok", style="green")


_WINDOWS = 5
"""Of so many times that nobody knows of each is told, the newest; the document has them all."""


def sources_table(sources: Sequence[Document], width: int, now: datetime) -> Table:
    """The status of sources, one a row; ``now`` tells for how long one is silent."""
    head = ("HEARD", "SOURCE", "UNTIL", "WHAT IS NOT KNOWN")
    rows = [
        (
            Text("silent", style="bold red") if source["silent_since"] else Text("yes", "green"),
            plain(source["source"]),
            to_minute(source["heard_until"]),
            _unknown(source, now),
        )
        for source in sources
    ]
    return table(head, rows, width, cut={"SOURCE": NARROWEST, "WHAT IS NOT KNOWN": NARROWEST})


def _unknown(source: Document, now: datetime) -> str:
    """For how long it is silent, and of which times nobody knows."""
    said = []
    if source["silent_since"]:
        lasts = max(now - parse_instant(source["silent_since"]), timedelta())
        said.append(f"what happened in the last {lasting(lasts)}")
    over = [window for window in source["blind"] if window["until"]]
    if len(over) > _WINDOWS:
        said.append(f"{len(over) - _WINDOWS} earlier times")
    said += [_gap(window, now) for window in over[-_WINDOWS:]]
    return "\n".join(map(plain, said)) or "-"


def _gap(window: Document, now: datetime) -> str:
    """A time in which nobody listened; once others have caught up, it is one of pings alone."""
    caught_up = window["caught_up_at"] and parse_instant(window["caught_up_at"]) <= now
    of_pings = ": pings" if caught_up else ""
    return f"{to_minute(window['since'])} to {to_minute(window['until'])}{of_pings}"


def source_trouble(source: Document) -> Iterator[str]:
    """Sentences on a source that somebody has to look after."""
    name = plain(source["source"])
    if source["silent_since"] and source["trouble"]:
        yield f"{name} cannot be heard: {plain(source['trouble'])}"
    ahead = timedelta(seconds=source["clock_offset_seconds"] or 0)
    if abs(ahead) > CLOCK_TOLERANCE:
        side = "ahead of" if ahead > timedelta() else "behind"
        yield f"{name} has a clock that is {lasting(abs(ahead))} {side} landed's"


def unknown_job(stranger: Document) -> str:
    """A sentence on a job whose signals were kept out."""
    meant = stranger["did_you_mean"]
    hint = f"; did you mean {meant}?" if meant else ""
    last = seconds(stranger["last_at"])
    count = stranger["signals"]
    many = f"{count} or more" if count >= COUNTED else str(count)
    return (
        f"nobody declared {plain(stranger['job'])}: its signals are kept out, "
        f"{many} so far, the last at {last}{hint}"
    )


def configuration_refused(refused: Document) -> Iterator[str]:
    """Sentences on a newer configuration that the verifier does not use."""
    yield (
        f"the configuration that was read again at {seconds(refused['at'])} is refused, and the "
        "one from before is in use:"
    )
    problems = refused["problems"]
    for problem in problems[:_MOST_PROBLEMS]:
        yield f"  {plain(problem)}"
    if len(problems) > _MOST_PROBLEMS:
        yield f"  and {len(problems) - _MOST_PROBLEMS} more: see `landed validate`"


def facts_grid(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and what is said of them, without a head."""
    made = Table.grid(padding=(0, 2))
    made.add_column(no_wrap=True, style="dim")
    made.add_column(overflow="fold")
    for name, text in rows:
        made.add_row(name, text)
    return made


def bullets(marks: Iterable[tuple[str | Text, str | Text]]) -> Table:
    """Sentences behind a mark each, indented."""
    made = Table.grid(padding=(0, 1))
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for mark, text in marks:
        made.add_row("", mark, text)
    return made
