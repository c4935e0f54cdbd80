"""``landed dashboards``: pictures for Grafana."""

from pathlib import Path
from typing import Annotated

import typer

from verifier.cli.addresses import LinkOption, verifier_address
from verifier.cli.generated import check_files, write_files
from verifier.cli.options import ConfigOption, JsonOption
from verifier.cli.where import Where

dashboards = typer.Typer(
    help="Dashboards to import into Grafana.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the files.")]


@dashboards.command()
def generate(
    config: ConfigOption = None,
    out: OutOption = Path("dashboards"),
    url: LinkOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the dashboards into a folder."""
    write_files(out, _files(Where(config=config, url=url)), as_json=as_json)


@dashboards.command()
def check(
    config: ConfigOption = None,
    out: OutOption = Path("dashboards"),
    url: LinkOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit 1 if the folder is not what generate, with the same options, would write."""
    check_files(out, _files(Where(config=config, url=url)), as_json=as_json)


def _files(where: Where) -> dict[str, str]:
    # Grafana's SDK takes a tenth of a second to import, and only this needs it.
    from verifier.dashboards.files import dashboard_files

    return dashboard_files(verifier_address(where, where.load_config()))
