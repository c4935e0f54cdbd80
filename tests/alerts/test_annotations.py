"""What a person reads: labels and annotations, as Prometheus fills them in."""

from collections.abc import Callable
from typing import Any

import pytest

from verifier.alerts.inventory import Entry
from verifier.alerts.links import Links
from verifier.alerts.rulefile import rule_file
from verifier.runs.declaration import Severity

Promtool = Callable[..., Any]

HEAD = """\
rule_files: [landed.rules.yml]
evaluation_interval: 1m
group_eval_order: [landed]
tests:
  - interval: 1m
    input_series:
      - {series: 'landed_build_info{instance="a"}', values: '1x30'}
      - {series: 'landed_loop_interval_seconds{loop="tick"}', values: '1x30'}
      - {series: 'landed_last_evaluation_timestamp_seconds{loop="tick"}', values: '0x30'}
"""
JOB = "daily-revenue"
PROMISE = (
    " Promised: Every active region has yesterday's revenue exactly once."
    " Owner: finance-data. Runbook of the job: https://wiki.example/revenue"
)


def series(name: str, value: int, **labels: str) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"      - {{series: '{name}{{{inside}}}', values: '{value}x30'}}\n"


def expects(alert: str, labels: dict[str, str], **annotations: str) -> str:
    lines = ["    alert_rule_test:", "      - eval_time: 20m", f"        alertname: {alert}"]
    lines += ["        exp_alerts:", "          - exp_labels:"]
    lines += [f"              {name}: '{text}'" for name, text in labels.items()]
    lines += ["            exp_annotations:"]
    lines += [f'              {name}: "{text}"' for name, text in annotations.items()]
    return "\n".join(lines) + "\n"


def of_job(alert: str, verdict: str = "") -> dict[str, str]:
    return {
        "runbook_url": f"docs/runbooks/{alert}.md",
        "dashboard_url": f"http://127.0.0.1:3000/d/landed-job?var-job_name={JOB}",
        "run_url": f"http://127.0.0.1:9877/v1/runs?job={JOB}{verdict}",
    }


LATE = series("landed_job_useful_completion_due_timestamp_seconds", 300, job_name=JOB)
DONE = series("landed_job_last_useful_completion_timestamp_seconds", 9, job_name=JOB)


def opened(verdict: str) -> str:
    return series("landed_runs_open", 2, job_name=JOB, lane="live", verdict=verdict)


STORIES = {
    "LandedUsefulCompletionStale": (
        LATE + DONE,
        "daily-revenue has no verified result in time.",
        "Its next verified result is late by 15m 0s. Whatever the scheduler reports, nothing "
        "newer is proven to be there.",
        "",
    ),
    "LandedNeverVerified": (
        LATE,
        "daily-revenue has never had a verified result.",
        "Its first verified result is late by 15m 0s, counted from its declaration.",
        "",
    ),
    "LandedRunMissing": (
        opened("missing"),
        "daily-revenue did not run.",
        "Runs that were due and never began: 2. No attempt was heard, and where the destination "
        "could be asked it shows nothing.",
        "&verdict=missing",
    ),
    "LandedCompletionAmbiguous": (
        opened("ambiguous"),
        "Nobody can tell whether daily-revenue took effect.",
        "Runs without a proof of either: 2. Their attempts did not end well, and the destination "
        "could not be asked, or could not tell; or nobody could hear them.",
        "&verdict=ambiguous",
    ),
    "LandedFalseSuccess": (
        series("landed_false_successes_open", 3, job_name=JOB),
        "daily-revenue reported success, and its destination shows otherwise.",
        "Runs whose effect is absent, partial, duplicated or wrong despite their success: 3. "
        "Whatever reads the result takes it for good.",
        "",
    ),
    "LandedRunDuplicated": (
        opened("duplicated"),
        "daily-revenue took effect more than once.",
        "Runs that left business keys more than once: 2. What is also missing stands in the "
        "evidence.",
        "&verdict=duplicated",
    ),
    "LandedReplayOverUnknown": (
        series("landed_run_conditions", 1, job_name=JOB, condition="replaying_unknown"),
        "daily-revenue is being repeated over an unknown effect.",
        "Runs that are under way again while nobody knows what an earlier attempt left: 1. "
        "Doing the work twice leaves two effects.",
        "",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("alert", STORIES)
def test_an_alert_tells_what_is_wrong_with_which_job_and_where_to_look(
    alert: str, promtool: Promtool, entries: tuple[Entry, ...], links: Links
) -> None:
    figures, summary, description, verdict = STORIES[alert]
    expected = expects(
        alert,
        {"severity": "page", "job_name": JOB},
        summary=summary,
        description=description + PROMISE,
        **of_job(alert, verdict),
    )
    tests = HEAD + figures + expected
    done = promtool(
        "test", "rules", "landed.tests.yml", rules=rule_file(entries, links), tests=tests
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_hung_verifier_is_named_by_its_loop(
    promtool: Promtool, entries: tuple[Entry, ...], links: Links
) -> None:
    expected = expects(
        "LandedVerifierHung",
        {"severity": "page", "loop": "tick"},
        summary="The verifier answers, and its loop tick stands still.",
        description="The loop should turn every 1s and has not for far longer. The figures that "
        "are scraped are old.",
        runbook_url="docs/runbooks/LandedVerifierHung.md",
        dashboard_url="http://127.0.0.1:3000/d/landed-fleet",
        run_url="http://127.0.0.1:9877/v1/jobs",
    )
    done = promtool(
        "test", "rules", "landed.tests.yml", rules=rule_file(entries, links), tests=HEAD + expected
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_source_that_is_silent_is_named_and_says_for_how_long(
    promtool: Promtool, entries: tuple[Entry, ...], links: Links
) -> None:
    figure = series("landed_source_contact_due_timestamp_seconds", 600, source="hostcron")
    expected = expects(
        "LandedSourceSilent",
        {"severity": "page", "source": "hostcron"},
        summary="hostcron is not heard: what its jobs do is not known.",
        description="It should have been heard again 10m 0s ago. None of its jobs is called "
        "missing meanwhile, so its quiet is no good news.",
        runbook_url="docs/runbooks/LandedSourceSilent.md",
        dashboard_url="http://127.0.0.1:3000/d/landed-fleet",
        run_url="http://127.0.0.1:9877/v1/sources",
    )
    tests = HEAD.replace("0x30", "0+60x30") + figure + expected
    done = promtool(
        "test", "rules", "landed.tests.yml", rules=rule_file(entries, links), tests=tests
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_source_whose_clock_is_wrong_is_named_and_says_by_how_much(
    promtool: Promtool, entries: tuple[Entry, ...], links: Links
) -> None:
    figure = series("landed_source_clock_offset_seconds", -90, source="hostcron")
    expected = expects(
        "LandedClockSkew",
        {"severity": "page", "source": "hostcron"},
        summary="The clock of hostcron is not landed's: its attempts may be taken for those of "
        "other runs.",
        description="The two clocks are 1m 30s apart. What is said without a due instant goes to "
        "the run of the slot that its time falls into, and limits are counted by it.",
        runbook_url="docs/runbooks/LandedClockSkew.md",
        dashboard_url="http://127.0.0.1:3000/d/landed-fleet",
        run_url="http://127.0.0.1:9877/v1/sources",
    )
    tests = HEAD.replace("0x30", "0+60x30") + figure + expected
    done = promtool(
        "test", "rules", "landed.tests.yml", rules=rule_file(entries, links), tests=tests
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_quotes_newlines_and_braces_of_owners_and_statements_are_shown_as_they_are(
    promtool: Promtool, links: Links
) -> None:
    nasty = Entry(
        job=JOB,
        severity=Severity.TICKET,
        owner='o\'wner "q" {{ $value }} {{ end }}',
        statement="line one\nline: two # {{ fail }} \\ é \x07 😀 ` $labels",
        runbook="https://wiki.example/?a={b}&c='d'",
    )
    shown = (
        " Promised: line one\\nline: two # {{ fail }} \\\\ é \\x07 😀 ` $labels"
        ' Owner: o\'wner \\"q\\" {{ $value }} {{ end }}.'
        " Runbook of the job: https://wiki.example/?a={b}&c='d'"
    )
    expected = expects(
        "LandedNeverVerified",
        {"severity": "ticket", "job_name": JOB},
        summary="daily-revenue has never had a verified result.",
        description=f"Its first verified result is late by 15m 0s, counted from its declaration."
        f"{shown}",
        **of_job("LandedNeverVerified"),
    )
    tests = HEAD + LATE + expected
    done = promtool(
        "test", "rules", "landed.tests.yml", rules=rule_file([nasty], links), tests=tests
    )
    assert done.returncode == 0, done.stdout + done.stderr
