"""``landed alerts``: rules for Prometheus, made from the jobs of the configuration."""

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from verifier.alerts.links import GRAFANA, RUNBOOKS, Links
from verifier.alerts.prometheus import prometheus_files
from verifier.catalogue.families import FAMILIES
from verifier.catalogue.query import Scope
from verifier.cli.addresses import LinkOption, linkable, verifier_address
from verifier.cli.exits import CommandFailed
from verifier.cli.generated import check_files, write_files
from verifier.cli.options import ConfigOption, JsonOption
from verifier.cli.where import Where

alerts = typer.Typer(
    help="Rules that ask for a person.", no_args_is_help=True, pretty_exceptions_enable=False
)


class Target(StrEnum):
    """What the rules are for."""

    PROMETHEUS = "prometheus"


OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the files.")]
TargetOption = Annotated[Target, typer.Option("--target", help="What the rules are for.")]
SelectorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--selector",
        metavar="LABEL=VALUE",
        help="Only series with that label: one deployment of several in one Prometheus. "
        "May be repeated.",
        show_default=False,
    ),
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        "--group-by",
        metavar="LABEL",
        help="A label that tells deployments with the same jobs apart. May be repeated.",
        show_default=False,
    ),
]
GrafanaOption = Annotated[
    str, typer.Option("--grafana", metavar="URL", help="Where people reach Grafana, for links.")
]
RunbooksOption = Annotated[
    str,
    typer.Option("--runbooks", metavar="URL", help="Where docs/runbooks is kept, for links."),
]

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_VALUE = re.compile(r"[A-Za-z0-9._:/@ -]{1,200}")
_OURS = frozenset({"severity", "alertname", "alertstate", "owner", "statement", "runbook"}).union(
    name for family in FAMILIES for name in family.label_names
)


@alerts.command()
def generate(
    config: ConfigOption = None,
    out: OutOption = Path("alerts"),
    target: TargetOption = Target.PROMETHEUS,
    selector: SelectorOption = None,
    group_by: GroupOption = None,
    url: LinkOption = None,
    grafana: GrafanaOption = GRAFANA,
    runbooks: RunbooksOption = RUNBOOKS,
    as_json: JsonOption = False,
) -> None:
    """Write the rules and their tests into a folder."""
    where = Where(config=config, url=url)
    files = _files(where, target, _scope(selector, group_by), grafana, runbooks)
    write_files(out, files, as_json=as_json)


@alerts.command()
def check(
    config: ConfigOption = None,
    out: OutOption = Path("alerts"),
    target: TargetOption = Target.PROMETHEUS,
    selector: SelectorOption = None,
    group_by: GroupOption = None,
    url: LinkOption = None,
    grafana: GrafanaOption = GRAFANA,
    runbooks: RunbooksOption = RUNBOOKS,
    as_json: JsonOption = False,
) -> None:
    """Exit 1 if the folder is not what generate, with the same options, would write."""
    where = Where(config=config, url=url)
    files = _files(where, target, _scope(selector, group_by), grafana, runbooks)
    check_files(out, files, as_json=as_json)


def _files(
    where: Where, target: Target, scope: Scope, grafana: str, runbooks: str
) -> dict[str, str]:
    config = where.load_config()
    links = Links(
        verifier=verifier_address(where, config),
        grafana=linkable("--grafana", grafana),
        runbooks=linkable("--runbooks", runbooks, web=False),
    )
    declarations = [job.declaration for job in config.jobs.values()]
    match target:
        case Target.PROMETHEUS:
            try:
                return prometheus_files(declarations, links, scope)
            except ValueError as error:
                raise CommandFailed(str(error)) from None


def _scope(selector: Sequence[str] | None, group_by: Sequence[str] | None) -> Scope:
    pairs = [_pair(text) for text in selector or ()]
    labels = [_label("--group-by", label) for label in group_by or ()]
    names = [*(name for name, _ in pairs), *labels]
    for name in names:
        if names.count(name) > 1:
            raise CommandFailed(f"expected each label of --selector and --group-by once: {name}")
    return Scope(selector=tuple(pairs), group_by=tuple(labels))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not _VALUE.fullmatch(value):
        raise CommandFailed(
            f"--selector: expected LABEL=VALUE such as cluster=eu, found {text[:60]!r}"
        )
    return _label("--selector", name), value


def _label(option: str, name: str) -> str:
    if not _LABEL.fullmatch(name) or name.startswith("__"):
        raise CommandFailed(f"{option}: expected a label such as cluster, found {name[:60]!r}")
    if name in _OURS:
        raise CommandFailed(f"{option}: expected a label of yours, found {name}, which is ours")
    return name
