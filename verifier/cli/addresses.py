"""Addresses that are given to be linked to."""

import re
from typing import Annotated

import typer

from verifier.cli.exits import CommandFailed
from verifier.cli.where import Where
from verifier.config.config import Config

LinkOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Where people reach the verifier, for links (LANDED_URL; default: as it listens).",
        show_default=False,
    ),
]

_LINKABLE = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")


def linkable(option: str, text: str, *, web: bool = True) -> str:
    """``text``, if it can stand in a link.

    Raises ``CommandFailed`` for white space, quotes and braces, which a template would
    obey, and unless ``web`` is false for what is no address of the web.
    """
    wanted = "an address such as https://landed.example" if web else "an address or a path"
    fits = _LINKABLE.fullmatch(text) is not None
    if not fits or (web and not text.startswith(("http://", "https://"))):
        raise CommandFailed(f"{option}: expected {wanted}, found {text[:60]!r}")
    return text


def verifier_address(where: Where, config: Config) -> str:
    """Where people reach the verifier: as given, else where it listens."""
    given = where.verifier_url
    if given is not None:
        return linkable("--url", given)
    host = f"[{config.listen.host}]" if ":" in config.listen.host else config.listen.host
    return f"http://{host}:{config.listen.port}"
