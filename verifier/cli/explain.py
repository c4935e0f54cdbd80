"""``landed explain``: the whole story of one run."""

from typing import Annotated

import typer
from rich.text import Text

from verifier.cli.client import Client, Document
from verifier.cli.connect import connect
from verifier.cli.exits import CommandFailed
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption, TokenOption, UrlOption
from verifier.cli.output import show, show_json, show_lines
from verifier.cli.paste import shell_block, sql_block
from verifier.cli.run_story import story
from verifier.cli.text import plain
from verifier.cli.where import Where

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run id, or job/DUE/PARTITION; a job without partitions has no third part.",
        show_default=False,
    ),
]


def explain(
    run: RunArgument,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the whole story of a run, and end in what to paste."""
    with connect(Where(config=config, ledger=ledger, url=url, token=token)) as client:
        found = client.run(run)
        questions = [] if as_json else _questions(client, found)
    if as_json:
        show_json(found)
        return
    show(*story(found))
    if questions:
        show("", Text("To paste into an SQL client", style="bold"))
        show_lines("\n".join(questions))
    show("", Text("To paste into a shell", style="bold"))
    show_lines("\n".join(shell_block(found)))


def _questions(client: Client, run: Document) -> list[str]:
    """What the run's checks asked; of a partition it was asked once, about all of them."""
    if run["partition"] is None:
        return sql_block(run)
    try:
        of_all = client.run(run["run"].rpartition("/")[0])
    except CommandFailed:
        return []  # the story is told all the same
    names = {check["name"] for check in run["checks"]}
    asked = sql_block({"checks": [each for each in of_all["checks"] if each["name"] in names]})
    return asked and [f"-- about all partitions: look for {plain(run['partition'])}", *asked]
