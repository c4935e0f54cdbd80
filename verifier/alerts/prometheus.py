"""What ``landed alerts`` writes for Prometheus: the rules and their tests."""

from collections.abc import Iterable

from verifier.alerts.inventory import inventory
from verifier.alerts.links import Links
from verifier.alerts.rulefile import FILE, rule_file
from verifier.alerts.unittests import TESTS, unit_tests
from verifier.catalogue.query import EVERYTHING, Scope
from verifier.runs.declaration import Declaration


def prometheus_files(
    declarations: Iterable[Declaration], links: Links, scope: Scope = EVERYTHING
) -> dict[str, str]:
    """The files by name, for the jobs that are declared."""
    entries = inventory(declarations)
    return {FILE: rule_file(entries, links, scope), TESTS: unit_tests(entries, scope)}
