"""``landed init``: a commented configuration to start from."""

from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from verifier.cli.exits import CommandFailed
from verifier.cli.options import DEFAULT_CONFIG, JsonOption
from verifier.cli.output import show_json, show_lines
from verifier.cli.text import plain
from verifier.config.template import TEMPLATE
from verifier.content.packs import pack as text_of
from verifier.content.packs import packs as known_packs


def init(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", show_default=False)] = DEFAULT_CONFIG,
    pack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Write a ready-made pack; --packs lists them.", show_default=False
        ),
    ] = None,
    packs: Annotated[bool, typer.Option("--packs", help="List the packs; write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented landed.yaml (or PATH) to start from."""
    if packs:
        _list(as_json)
        return
    text = TEMPLATE if pack is None else _text(pack)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
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


def _text(pack: str) -> str:
    try:
        return text_of(pack)
    except KeyError:
        raise CommandFailed(
            f"there is no pack '{plain(pack)}'",
            hint=f"those that exist: {', '.join(known_packs())}",
        ) from None


def _list(as_json: bool) -> None:
    known = known_packs()
    if as_json:
        show_json({"packs": [{"name": name, "about": about} for name, about in known.items()]})
        return
    for name, about in known.items():
        show_lines(name)
        show_lines(
            fill(
                about,
                80,
                initial_indent="  ",
                subsequent_indent="  ",
                break_on_hyphens=False,
                break_long_words=False,
            )
        )
