"""The rule file for Prometheus: inventory, recordings and alerts, in one group.

One group is evaluated in order, so that an alert sees the figures of its own turn.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from verifier.alerts.inventory import SERIES, Entry, loudest
from verifier.alerts.jobs import JOB_ALERTS
from verifier.alerts.links import Links
from verifier.alerts.recordings import RECORDINGS
from verifier.alerts.rule import Alert, Recording, Subject
from verifier.alerts.verifier import VERIFIER_ALERTS
from verifier.alerts.yamltext import block, quoted
from verifier.catalogue.query import EVERYTHING, Scope, query
from verifier.runs.duration import format_duration

ALERTS = (*JOB_ALERTS, *VERIFIER_ALERTS)

FILE = "landed.rules.yml"
GROUP = "landed"

_HEAD = """\
# Alert rules of landed, for Prometheus 2.42 or newer.
#
# Made by `landed alerts generate` from the jobs of the configuration. Do not edit: make it
# anew when jobs change; `landed alerts check` tells when it is out of date.
"""

_ABOUT = (
    "{{ with printf `%s{%sjob_name=%%q}` $labels.job_name | query }}"
    "{{ with first . }}"
    "{{ with .Labels.statement }} Promised: {{ . }}{{ end }}"
    "{{ with .Labels.owner }} Owner: {{ . }}.{{ end }}"
    "{{ with .Labels.runbook }} Runbook of the job: {{ . }}{{ end }}"
    "{{ end }}{{ end }}"
)


def rule_file(entries: Sequence[Entry], links: Links, scope: Scope = EVERYTHING) -> str:
    """The file, in YAML; the same text for the same jobs, in whatever order."""
    lines = [_HEAD + "groups:", f"  - name: {GROUP}", "    rules:"]
    for recording in RECORDINGS:
        lines += _recording(recording, scope)
    lines.append("      # The jobs, and how loud each is.")
    for entry in entries:
        lines += _entry(entry, scope)
    severity = loudest(entries).value
    for alert in ALERTS:
        lines += _alert(alert, severity, links, scope)
    return "\n".join(lines) + "\n"


def _recording(recording: Recording, scope: Scope) -> Iterator[str]:
    yield f"      # {recording.why[0].upper()}{recording.why[1:]}."
    yield f"      - record: {recording.name}"
    yield from block(10, "expr", query(recording.expr, scope))
    yield from _labels(dict(scope.selector))


def _entry(entry: Entry, scope: Scope) -> Iterator[str]:
    yield f"      - record: {SERIES}"
    yield "        expr: vector(1)"
    yield from _labels({**entry.labels, **dict(scope.selector)})


def _alert(alert: Alert, loudest_severity: str, links: Links, scope: Scope) -> Iterator[str]:
    labels = dict(scope.selector)
    expr, description = query(alert.expr, scope), alert.description
    if alert.subject is Subject.JOB:
        expr = _as_loud_as_its_job(expr, scope)
        selector = "".join(f'{name}="{value}",' for name, value in scope.selector)
        description += _ABOUT % (SERIES, selector)
    else:
        quiet = alert.subject is Subject.NOBODY
        labels["severity"] = "none" if quiet else loudest_severity
    yield f"      - alert: {alert.full_name}"
    yield from block(10, "expr", expr)
    if alert.wait > timedelta(0):
        yield f"        for: {format_duration(alert.wait)}"
    yield from _labels(labels)
    yield "        annotations:"
    texts = {"summary": alert.summary, "description": description, **links.of(alert)}
    for name, text in texts.items():
        yield f"          {name}: {quoted(text)}"


def _as_loud_as_its_job(expr: str, scope: Scope) -> str:
    """A job that is not in the inventory drops out; deployments share one inventory."""
    lines = "\n".join(f"  {line}" for line in expr.splitlines())
    severities = f"group by (job_name, severity) ({SERIES})"
    joined = f"* on (job_name) group_left (severity) {severities}"
    return f"(\n{lines}\n)\n{query(joined, Scope(selector=scope.selector))}"


def _labels(labels: dict[str, str]) -> Iterator[str]:
    if labels:
        yield "        labels:"
        for name, value in labels.items():
            yield f"          {name}: {quoted(value)}"
