"""Tables for people: the verdict first, readable at 80 columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from verifier.cli.text import minutes, plain, styled, to_minute, verdict_text
from verifier.runs.instant import parse_instant

WIDE = 112
"""Columns from which on a table has room for run ids."""

Document = Mapping[str, Any]


def table(*columns: str, cut: Sequence[str] = ()) -> Table:
    """An empty table; only the columns in ``cut`` may lose their ends to an ellipsis."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for name in columns:
        made.add_column(name, no_wrap=True, overflow="ellipsis" if name in cut else "fold")
    return made


def runs_table(runs: Iterable[Document], width: int) -> Table:
    """Run documents, one a row; run ids where ``width`` has room for them."""
    runs = list(runs)
    partitioned = any(run["partition"] for run in runs)
    head = ["VERDICT", "JOB", "DUE"]
    head += ["PARTITION"] if partitioned else []
    head += ["REPORTED", "DO NEXT"]
    head += ["RUN"] if width >= WIDE else []
    made = table(*head, cut=("JOB", "PARTITION", "DUE"))
    for run in runs:
        row: list[str | Text] = [verdict_text(run), plain(run["job"]), occurrence(run)]
        row += [plain(run["partition"] or "")] if partitioned else []
        row += [reported_text(run), plain(run["advice"]["action"])]
        row += [plain(run["run_id"])] if width >= WIDE else []
        made.add_row(*row)
    return made


def occurrence(run: Document) -> str:
    """The due instant of a run, or the attempt that it was made by hand for."""
    if run["due"]:
        return minutes(run["due"])
    return plain(run["run"].removeprefix(f"{run['job']}/"))


def reported_text(run: Document) -> Text:
    """What was reported; a success that the destination denies stands out."""
    return styled(run["reported"], "bold red" if run["false_success"] else "")


def jobs_table(jobs: Iterable[Document], now: datetime) -> Table:
    """The status of jobs, one a row; ``now`` tells what is stale."""
    made = table("STATE", "JOB", "OPEN", "USEFUL", "NEXT DUE", cut=("JOB",))
    made.columns[2].no_wrap = False
    for job in jobs:
        made.add_row(
            state_text(job, now),
            plain(job["job"]),
            ", ".join(f"{count} {plain(verdict)}" for verdict, count in job["open"].items()) or "-",
            to_minute(job["last_useful_completion"]),
            minutes(job["next_due"]),
        )
    return made


def state_text(job: Document, now: datetime) -> Text:
    """One word on a job: what a person has to know of it first."""
    due = job["useful_completion_due"]
    if due is not None and parse_instant(due) < now:
        return Text("stale", style="bold red")
    if job["open"]:
        return Text("open", style="red")
    if job.get("held"):
        return Text("held", style="yellow")
    if job.get("muted_until"):
        return Text("muted", style="yellow")
    if job["active_attempts"]:
        return Text("running", style="blue")
    if due is None:
        return Text("no limit", style="dim")
    return Text("ok", style="green")


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
