"""Links lead to the job, its open runs and the runbook of the alert."""

import pytest

from verifier.alerts.jobs import RUN_MISSING, USEFUL_COMPLETION_STALE
from verifier.alerts.links import Links
from verifier.alerts.rule import Alert
from verifier.alerts.verifier import VERIFIER_HUNG
from verifier.dashboards.files import DASHBOARDS

LINKS = Links(verifier="http://v/", grafana="http://g/", runbooks="books/")


def test_an_alert_of_a_job_leads_to_that_job() -> None:
    assert LINKS.of(RUN_MISSING) == {
        "runbook_url": "books/LandedRunMissing.md",
        "dashboard_url": "http://g/d/landed-job?var-job_name={{ $labels.job_name }}",
        "run_url": "http://v/v1/runs?job={{ $labels.job_name }}&verdict=missing",
    }


def test_a_stale_job_leads_to_all_its_runs() -> None:
    assert LINKS.of(USEFUL_COMPLETION_STALE)["run_url"].endswith("job={{ $labels.job_name }}")


def test_an_alert_of_the_verifier_leads_to_all_jobs() -> None:
    assert LINKS.of(VERIFIER_HUNG) == {
        "runbook_url": "books/LandedVerifierHung.md",
        "dashboard_url": "http://g/d/landed-fleet",
        "run_url": "http://v/v1/jobs",
    }


@pytest.mark.parametrize("alert", [RUN_MISSING, VERIFIER_HUNG], ids=lambda each: each.name)
def test_the_dashboard_of_a_link_is_one_of_ours(alert: Alert) -> None:
    url = LINKS.of(alert)["dashboard_url"]
    assert url.split("/d/")[1].split("?")[0] in {each.uid for each in DASHBOARDS}
