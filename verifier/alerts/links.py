"""Where the links of an alert lead."""

import msgspec

from verifier.alerts.rule import Alert, Subject
from verifier.runs.verdict import Verdict

GRAFANA = "http://127.0.0.1:3000"
RUNBOOKS = "docs/runbooks"
_JOB = "{{ $labels.job_name }}"


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses at which people reach the verifier, Grafana and the runbooks."""

    verifier: str
    grafana: str = GRAFANA
    runbooks: str = RUNBOOKS

    def of(self, alert: Alert) -> dict[str, str]:
        """The annotations that are links, as templates of Prometheus."""
        return {
            "runbook_url": f"{self.runbooks.rstrip('/')}/{alert.full_name}.md",
            "dashboard_url": self.grafana.rstrip("/") + self._dashboard(alert),
            "run_url": self.verifier.rstrip("/") + self._runs(alert),
        }

    def _dashboard(self, alert: Alert) -> str:
        if alert.subject is Subject.JOB:
            return f"/d/landed-job?var-job_name={_JOB}"
        return "/d/landed-fleet"

    def _runs(self, alert: Alert) -> str:
        if alert.subject is Subject.SOURCE:
            return "/v1/sources"
        if alert.subject is not Subject.JOB:
            return "/v1/jobs"
        verdict = f"&verdict={Verdict(alert.verdict).value}" if alert.verdict else ""
        return f"/v1/runs?job={_JOB}{verdict}"
