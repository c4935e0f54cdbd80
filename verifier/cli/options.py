"""The options that commands have in common, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("landed.yaml")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration (LANDED_CONFIG; default: landed.yaml).",
        show_default=False,
    ),
]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="URL",
        help="The ledger, such as sqlite:///landed.db (LANDED_LEDGER; default: as configured).",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="A verifier that runs elsewhere, instead of a ledger (LANDED_URL).",
        show_default=False,
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="What opens that verifier (LANDED_TOKEN, which other users cannot see).",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.")
]
JobOption = Annotated[
    str | None, typer.Option("--job", metavar="JOB", help="Only this job.", show_default=False)
]
PartitionOption = Annotated[
    str | None,
    typer.Option("--partition", metavar="P", help="Only this partition.", show_default=False),
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Only runs due from then on.", show_default=False),
]
UntilOption = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Only runs due before then.", show_default=False),
]
