"""The tests of the rules, in the format of ``promtool test rules``."""

from collections.abc import Iterable, Iterator, Sequence

from verifier.alerts.cases import NOBODYS_JOB, all_cases
from verifier.alerts.inventory import Entry, loudest
from verifier.alerts.rule import PREFIX, Subject
from verifier.alerts.rulefile import ALERTS, FILE, GROUP
from verifier.alerts.scenario import Case, Figure, Replica, always
from verifier.alerts.yamltext import quoted
from verifier.catalogue.query import EVERYTHING, Scope

TESTS = "landed.tests.yml"

_HEAD = f"""\
# Tests of {FILE}: promtool test rules {TESTS}
#
# Made by `landed alerts generate`, as the rules are. Minutes are scrapes and evaluations.
rule_files: [{FILE}]
evaluation_interval: 1m
group_eval_order: [{GROUP}]
tests:
"""
_FIRING = 'ALERTS{alertstate="firing"}'
_SUBJECTS = {alert.name: alert.subject for alert in ALERTS}
_SECOND_LABEL = {Subject.JOB: "job_name", Subject.SOURCE: "source", Subject.VERIFIER: "loop"}


def unit_tests(entries: Sequence[Entry], scope: Scope = EVERYTHING) -> str:
    """The file, for one job of each severity that there is."""
    first = {entry.severity: entry for entry in reversed(entries)}
    return written(all_cases(tuple(sorted(entry.job for entry in first.values()))), entries, scope)


def written(cases: Iterable[Case], entries: Sequence[Entry], scope: Scope = EVERYTHING) -> str:
    """A file with ``cases``.

    Raises ``ValueError`` where a job has the name that the cases need for one without
    alerts.
    """
    if NOBODYS_JOB in {entry.job for entry in entries}:
        raise ValueError(f"expected no job named {NOBODYS_JOB}: the tests of the rules need it")
    return _HEAD + "\n".join(_lines(cases, _Names(entries, scope))) + "\n"


class _Names:
    """The labels that the tests expect on alerts and give to figures."""

    def __init__(self, entries: Sequence[Entry], scope: Scope) -> None:
        self._severities = {entry.job: entry.severity.value for entry in entries}
        self._loudest = loudest(entries).value
        self._selected = dict(scope.selector)
        self._grouped = dict.fromkeys(scope.group_by, "here")

    def of_figure(self, figure: Figure, replica: Replica) -> str:
        """A series as the scraper stores it."""
        where = {**self._selected, **self._grouped, "instance": f"{replica.name}:9877"}
        return _series(figure.metric, {**figure.labels, **where, **replica.labels})

    def of_alert(self, words: str, *, known: bool) -> str:
        """An alert that fires; of a verifier that was never seen the deployment is unknown."""
        words, _, place = words.partition("@")
        name, *about = words.split(" ")
        grouped = dict.fromkeys(self._grouped, place) if place else self._grouped
        subject = _SUBJECTS[name]
        severity = "none" if subject is Subject.NOBODY else self._loudest
        labels = {"alertname": f"{PREFIX}{name}", "alertstate": "firing", **self._selected}
        if about:
            labels[_SECOND_LABEL[subject]] = about[0]
        if subject is Subject.JOB:
            severity = self._severities[about[0]]
        return _series("ALERTS", {**labels, "severity": severity, **(grouped if known else {})})


def _lines(cases: Iterable[Case], names: _Names) -> Iterator[str]:
    for case in cases:
        yield f"  - name: {quoted(case.title)}"
        yield "    interval: 1m"
        series = list(_inputs(case, names))
        yield "    input_series:" + ("" if series else " []")
        yield from series
        yield "    promql_expr_test:"
        for minute, alerts in case.fires.items():
            yield from _expected(
                minute,
                _FIRING,
                {names.of_alert(each, known=bool(case.replicas)): 1 for each in alerts},
            )
        for minute, recorded in case.recorded.items():
            for name, value in recorded.items():
                samples = {} if value is None else {"{}": value}
                yield from _expected(minute, f"sum({name})", samples)


def _expected(minute: int, expr: str, samples: dict[str, float]) -> Iterator[str]:
    yield f"      - expr: {quoted(expr)}"
    yield f"        eval_time: {minute}m"
    yield "        exp_samples:" + ("" if samples else " []")
    for labels, value in samples.items():
        yield f"          - labels: {quoted(labels)}"
        yield f"            value: {value:g}"


def _inputs(case: Case, names: _Names) -> Iterator[str]:
    for replica in case.replicas:
        for figure in (*_own(case), *case.figures):
            if figure.replica in (None, replica.name):
                minutes = range(case.minutes + 1)
                values = [figure.at(now) if replica.up(now) else None for now in minutes]
                yield f"      - series: {quoted(names.of_figure(figure, replica))}"
                yield f"        values: {quoted(encode(values))}"


def _own(case: Case) -> Iterator[Figure]:
    yield Figure("landed_build_info", {"version": "1", "ledger_id": "l"}, always(1))
    for loop, (interval, turn) in case.loops.items():
        yield Figure("landed_loop_interval_seconds", {"loop": loop}, always(interval))
        yield Figure("landed_last_evaluation_timestamp_seconds", {"loop": loop}, turn)


def encode(values: Sequence[float | None]) -> str:
    """Values a minute as promtool writes them: runs of rising or equal ones, and gaps.

    A gap begins with the marker that a scraper writes for a series that has gone.
    """
    words: list[str] = []
    at = 0
    while at < len(values):
        end = _end_of_run(values, at)
        first, length = values[at], end - at
        if first is None:
            words += ["stale"] if at and values[at - 1] is not None else ["_"]
            words += [f"_x{length - 1}"] if length > 1 else []
        elif length == 1:
            words.append(f"{first:g}")
        else:
            step = (values[at + 1] or 0) - first
            words.append(f"{first:g}+{step:g}x{length - 1}")
        at = end
    return " ".join(words)


def _end_of_run(values: Sequence[float | None], start: int) -> int:
    """The end of the longest run from ``start`` in which every step is the same."""
    end = start + 1
    first = values[start]
    second = values[end] if end < len(values) else None
    if first is None or second is None:
        while first is None and end < len(values) and values[end] is None:
            end += 1
        return end
    while end < len(values):
        before, now = values[end - 1], values[end]
        if before is None or now is None or now - before != second - first:
            break
        end += 1
    return end


def _series(metric: str, labels: dict[str, str]) -> str:
    inside = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{metric}{{{inside}}}"
