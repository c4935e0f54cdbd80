"""``landed init``: a commented configuration to start from."""

from pathlib import Path
from typing import Annotated

import typer

from verifier.cli.exits import CommandFailed
from verifier.cli.options import DEFAULT_CONFIG, JsonOption
from verifier.cli.output import show_json, show_lines
from verifier.cli.text import plain
from verifier.config.template import TEMPLATE


def init(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", show_default=False)] = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented landed.yaml (or PATH) to start from."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise CommandFailed(
            f"{path} is there already", hint="choose another name, or give --force"
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise CommandFailed(f"{path} cannot be written: {why}") from None
    if as_json:
        show_json({"path": str(path)})
        return
    show_lines(f"wrote {plain(path)}")
    show_lines("next: put your own stores and jobs there, then run `landed validate`")
