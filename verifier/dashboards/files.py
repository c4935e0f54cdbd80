"""What ``landed dashboards`` writes."""

from verifier.dashboards.fleet import FLEET
from verifier.dashboards.grafana import grafana_json
from verifier.dashboards.job import JOB

DASHBOARDS = (FLEET, JOB)


def dashboard_files(verifier: str) -> dict[str, str]:
    """The files by name; ``verifier`` is where people reach it."""
    return {f"{each.uid}.json": grafana_json(each, verifier) for each in DASHBOARDS}
