"""Queries: PromQL in which every name is the catalogue's, narrowed to some deployments.

A query is written as text, with the names that people see in Prometheus. What the
catalogue does not have fails here, when a query is made, and not by a blank panel.
"""

import re

import msgspec

from verifier.catalogue.families import FAMILIES, family_of_sample
from verifier.catalogue.family import Family, Type

_SERIES = re.compile(r"(?<![\w:.])(landed[_:]\w+)(?:\{([^{}]*)\})?")
_MATCHER = re.compile(r'\s*([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*')
_GROUPING = re.compile(r"\b(by|on|group_left) \(([^()]*)\)")
_JOINS = "group_left"
_LABELS = frozenset(name for family in FAMILIES for name in family.label_names)


class UnknownLabel(LookupError):
    """A label, or a value of one, that the catalogue does not declare for a metric."""


class Scope(msgspec.Struct, frozen=True):
    """Which series of a Prometheus a query is about.

    ``selector``: labels with the values that every series must have. ``group_by``:
    labels that tell deployments apart; every one is looked at by itself.
    """

    selector: tuple[tuple[str, str], ...] = ()
    group_by: tuple[str, ...] = ()


EVERYTHING = Scope()
"""One deployment in one Prometheus."""


def query(text: str, scope: Scope = EVERYTHING) -> str:
    """``text`` with ``scope`` put into every selector, ``by`` and ``on``.

    Names of recorded series (``landed:…``) are narrowed too, and not looked up. A value
    with ``$`` is a variable of a dashboard. Raises ``UnknownFamily`` for a metric that
    the catalogue does not have or has no data for, ``UnknownLabel`` for a label or value
    that its metric never has.
    """
    narrowed = _SERIES.sub(lambda found: _series(found, scope), text)
    return _GROUPING.sub(lambda found: _grouping(found, scope), narrowed)


def metrics(text: str) -> list[str]:
    """The names of the metrics that ``text`` asks for, in order."""
    return [name for name, _ in _SERIES.findall(text) if name.startswith("landed_")]


def _series(found: re.Match[str], scope: Scope) -> str:
    name, written = found[1], found[2] or ""
    matchers = _MATCHER.findall(written)
    if _MATCHER.sub("", written).strip(","):
        raise UnknownLabel(f'expected label="value" in {name}{{…}}, found {written!r}')
    if name.startswith("landed_"):
        for label, operator, value in matchers:
            _check(family_of_sample(name), label, operator, value)
        family_of_sample(name)
    wanted = [*(f'{label}{operator}"{value}"' for label, operator, value in matchers)]
    wanted += [f'{label}="{value}"' for label, value in scope.selector]
    return f"{name}{{{', '.join(wanted)}}}" if wanted else name


def _check(family: Family, label: str, operator: str, value: str) -> None:
    if label == "le" and family.type is Type.HISTOGRAM:
        return
    if label not in family.label_names:
        raise UnknownLabel(f"expected a label of {family.name}, found {label}")
    declared = family.label(label)
    values = value.split("|") if "~" in operator else [value]
    for each in values:
        if declared.closed and "$" not in each and each not in declared.values:
            raise UnknownLabel(f"expected a value of {label} in {family.name}, found {each!r}")


def _grouping(found: re.Match[str], scope: Scope) -> str:
    word, labels = found[1], [each.strip() for each in found[2].split(",") if each.strip()]
    for label in labels:
        if label not in _LABELS and label not in ("le", "severity"):
            raise UnknownLabel(f"expected a label of the catalogue in {word}, found {label}")
    kept = [] if word == _JOINS else list(scope.group_by)
    return f"{word} ({', '.join([*kept, *labels])})"
