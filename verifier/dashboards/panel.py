"""What a dashboard shows, as data: sections of panels that ask Prometheus."""

from enum import StrEnum

import msgspec

WIDTH = 24
"""Columns of Grafana's grid."""


class Kind(StrEnum):
    """How a panel shows what was answered."""

    STAT = "stat"
    TABLE = "table"
    LINES = "timeseries"


class Unit(StrEnum):
    """Units as Grafana names them."""

    NONE = "none"
    SECONDS = "s"
    RATIO = "percentunit"
    AGO = "dateTimeFromNow"
    PER_SECOND = "cps"


class Target(msgspec.Struct, frozen=True):
    """A query, and the name of what it answers: a legend, or a table's column."""

    expr: str
    name: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel.

    ``nothing`` is shown where the queries answer nothing. ``limits`` are values from
    which on a colour holds, the first one from -Infinity on; ``lines`` draws them.
    ``labels`` of a table are its first columns, by the label's name.
    """

    title: str
    kind: Kind
    says: str
    nothing: str
    targets: tuple[Target, ...]
    width: int
    height: int = 8
    unit: Unit = Unit.NONE
    limits: tuple[tuple[float, str], ...] = ()
    lines: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    decimals: int | None = None


class Section(msgspec.Struct, frozen=True):
    """Panels under one heading, from left to right."""

    title: str
    panels: tuple[Panel, ...]


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """One dashboard. ``of_job``: it shows the job that is chosen in ``$job_name``."""

    uid: str
    title: str
    says: str
    sections: tuple[Section, ...]
    of_job: bool = False


NO_VERIFIER = "no verifier is scraped"
"""What nothing means where a query answers 0 as long as a verifier is scraped."""

UP = "0 * group by () (landed_build_info)"
"""0 while a verifier is scraped, nothing else: nothing is no good news."""


def stat(
    title: str,
    says: str,
    *targets: Target | str,
    nothing: str = NO_VERIFIER,
    width: int = 4,
    height: int = 4,
    unit: Unit = Unit.NONE,
    limits: tuple[tuple[float, str], ...] = (),
) -> Panel:
    """Large numbers."""
    return Panel(
        title=title,
        kind=Kind.STAT,
        says=says,
        nothing=nothing,
        targets=_targets(targets),
        width=width,
        height=height,
        unit=unit,
        limits=limits,
        decimals=0 if unit is Unit.NONE else None,
    )


def table(
    title: str,
    says: str,
    *targets: Target | str,
    nothing: str,
    labels: tuple[tuple[str, str], ...],
    width: int = 12,
    unit: Unit = Unit.NONE,
) -> Panel:
    """Rows by the values of labels."""
    return Panel(
        title=title,
        kind=Kind.TABLE,
        says=says,
        nothing=nothing,
        targets=_targets(targets),
        width=width,
        unit=unit,
        labels=labels,
    )


def lines(
    title: str,
    says: str,
    *targets: Target | str,
    nothing: str = NO_VERIFIER,
    width: int = 12,
    unit: Unit = Unit.NONE,
    limits: tuple[tuple[float, str], ...] = (),
) -> Panel:
    """Values over time; limits are drawn as lines."""
    return Panel(
        title=title,
        kind=Kind.LINES,
        says=says,
        nothing=nothing,
        targets=_targets(targets),
        width=width,
        unit=unit,
        limits=limits,
        lines=bool(limits),
    )


def _targets(targets: tuple[Target | str, ...]) -> tuple[Target, ...]:
    return tuple(each if isinstance(each, Target) else Target(each) for each in targets)
