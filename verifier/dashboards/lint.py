"""What a dashboard's file must keep, since no type and no Grafana here would notice."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from verifier.catalogue.query import query
from verifier.dashboards.panel import WIDTH, Unit

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_VARIABLE = re.compile(r"\$\{?(\w+)")
_BUILT_IN = ("__range", "__rate_interval", "__data", "__interval")
_UNITS = frozenset(unit.value for unit in Unit)

Document = dict[str, Any]
Rule = Callable[[Document], Iterator[str]]
"""Says what is wrong with a dashboard; each as what was expected and what was found."""


def lint(document: Document) -> list[str]:
    """Everything that breaks a rule."""
    return [problem for rule in RULES for problem in rule(document)]


def panels(document: Document) -> list[Document]:
    """The panels that show something: all but the headings of sections."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def expressions(document: Document) -> list[str]:
    """The query of every panel and of every variable, in order."""
    of_panels = [target["expr"] for panel in panels(document) for target in panel["targets"]]
    return [*(each["query"] for each in _queries(document)), *of_panels]


def is_named(document: Document) -> Iterator[str]:
    """A title, an id for links, and a schema that says how to read the rest."""
    for key in ("title", "uid", "schemaVersion", "description"):
        if not document.get(key):
            yield f"expected {key} of the dashboard, found none"


def has_no_inputs(document: Document) -> Iterator[str]:
    """Provisioning fails on ``__inputs``."""
    if "__inputs" in document:
        yield "expected a datasource variable, found __inputs"


def ids_are_unique(document: Document) -> Iterator[str]:
    """Every panel and heading has an id of its own above 0."""
    for number, count in Counter(panel.get("id") for panel in document["panels"]).items():
        if count > 1 or not isinstance(number, int) or number < 1:
            yield f"expected one id above 0 for each panel, found {number} {count} times"


def titles_are_unique(document: Document) -> Iterator[str]:
    """No two panels under one heading have one title."""
    heading = ""
    seen: Counter[tuple[str, str]] = Counter()
    for panel in document["panels"]:
        heading = panel["title"] if panel["type"] == "row" else heading
        seen[heading, panel["title"] if panel["type"] != "row" else ""] += 1
    for (heading, title), count in seen.items():
        if count > 1:
            yield f"expected each title once under {heading!r}, found {title!r} {count} times"


def ref_ids_are_unique(document: Document) -> Iterator[str]:
    """Every query of a panel has a letter of its own."""
    for panel in panels(document):
        letters = [target.get("refId") for target in panel["targets"]]
        if not letters or None in letters or len(set(letters)) < len(letters):
            yield f"{panel['title']}: expected a refId for each query, found {letters}"


def is_on_the_grid(document: Document) -> Iterator[str]:
    """Nothing leaves the columns of the grid, and nothing lies over another."""
    for panel in document["panels"]:
        place = panel["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > WIDTH or place["w"] < 1 or place["h"] < 1:
            yield f"{panel['title']}: expected a place within {WIDTH} columns, found {place}"
    for one, other in combinations(document["panels"], 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']}: expected a place of its own, found {other['title']!r} there"


def rows_are_open(document: Document) -> Iterator[str]:
    """A collapsed section would hide what is wrong."""
    for panel in document["panels"]:
        if panel["type"] == "row" and (panel.get("collapsed") or panel.get("panels")):
            yield f"{panel['title']}: expected an open section, found a collapsed one"


def nothing_is_told(document: Document) -> Iterator[str]:
    """Every panel says what it means that there is nothing, and what it shows."""
    for panel in panels(document):
        if not panel["fieldConfig"]["defaults"].get("noValue"):
            yield f"{panel['title']}: expected what it shows when there is nothing"
        if not panel.get("description"):
            yield f"{panel['title']}: expected a description, found none"


def units_are_known(document: Document) -> Iterator[str]:
    """Grafana takes any text for a unit and shows it behind the number."""
    for panel in panels(document):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        if unit not in _UNITS:
            yield f"{panel['title']}: expected a unit of Grafana, found {unit!r}"


def sources_are_chosen(document: Document) -> Iterator[str]:
    """Every panel, query and variable asks the Prometheus that is chosen above."""
    for panel in panels(document):
        for asked in (panel, *panel["targets"]):
            if asked.get("datasource") != SOURCE:
                found = asked.get("datasource")
                yield f"{panel['title']}: expected the chosen datasource, found {found}"
    for variable in document["templating"]["list"]:
        if variable["type"] != "datasource" and variable.get("datasource") != SOURCE:
            yield f"${variable['name']}: expected the chosen datasource"


def variables_are_declared(document: Document) -> Iterator[str]:
    """Every variable that is used is declared, or Grafana's own."""
    declared = {variable["name"] for variable in document["templating"]["list"]}
    texts = [*expressions(document), *(link.get("url", "") for link in document["links"])]
    texts += [target["datasource"]["uid"] for p in panels(document) for target in p["targets"]]
    for name in sorted({name for text in texts for name in _VARIABLE.findall(text)}):
        if name not in declared and name not in _BUILT_IN:
            yield f"expected a variable of the dashboard, found ${name}"


def metrics_are_known(document: Document) -> Iterator[str]:
    """Every metric and label is the catalogue's and has data."""
    for expression in expressions(document):
        try:
            query(expression)
        except LookupError as problem:
            yield str(problem)


def links_have_no_placement(document: Document) -> Iterator[str]:
    """Only the newest versions know the menu into which the SDK puts links."""
    for link in document["links"]:
        if "placement" in link:
            yield f"{link['title']}: expected no placement, found {link['placement']}"


RULES: tuple[Rule, ...] = (
    is_named,
    has_no_inputs,
    ids_are_unique,
    titles_are_unique,
    ref_ids_are_unique,
    is_on_the_grid,
    rows_are_open,
    nothing_is_told,
    units_are_known,
    sources_are_chosen,
    variables_are_declared,
    metrics_are_known,
    links_have_no_placement,
)


def _queries(document: Document) -> list[Document]:
    return [each for each in document["templating"]["list"] if each["type"] == "query"]


def _overlap(one: Document, other: Document) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not beside and not above
