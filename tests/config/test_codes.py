from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Level, Problem

OF_FILES = {Code.UNREADABLE, Code.TOO_LARGE, Code.NOT_UTF8}
"""Codes of what comes before any text: their tests are in test_text."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file with one problem: its code, what its place points at, and what it says."""

    code: Code
    at: str
    path: str
    says: str
    hint: str | None = None
    level: Level = Level.ERROR
    text: str | None = None
    top: str | None = None
    job: dict[str, str | None] = field(default_factory=dict)


SURFACES = (
    "[{name: table, kind: replace, checks: [regions]}, "
    "{name: mail, kind: external, checks: [sent]}]"
)


def scope(name: str, **more: str) -> str:
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return (
        f"{{type: scope, name: {name}, store: shop, table: t, key: [k], where: 'day = :day', "
        f"expected: {{store: shop, sql: 'select k from t'}}{extra}}}"
    )


TWO_BOUND = """\
version: 1
sources: {night: {type: lines, path: x}}
jobs:
  one: {scheduler: {source: night, task: load}, class: best-effort, schedule: {every: 1h}}
  two: {scheduler: {source: night, task: load}, class: best-effort, schedule: {every: 1h}}
"""

CASES = [
    Case(
        code=Code.BROKEN_YAML,
        text="version: 1\njobs:\n\tdaily: {}\n",
        at="\tdaily",
        path="",
        says="expected spaces, found a tab",
        hint="indent with spaces alone",
    ),
    Case(
        code=Code.DUPLICATE_KEY,
        job={"covers": "previous-day\n    covers: same-day"},
        at="covers: same-day",
        path="jobs.daily",
        says="found 'covers' again, which stands at 7:5 already",
    ),
    Case(
        code=Code.TOO_COMPLEX,
        text="a: " + "[" * 40,
        at="[[",
        path="a[0][0][0]",
        says="expected at most 32 levels",
    ),
    Case(
        code=Code.SEVERAL_DOCUMENTS,
        text="version: 1\n---\nversion: 1\n",
        at="---",
        path="",
        says="found a second one",
    ),
    Case(code=Code.EMPTY, text="# soon\n", at="# soon", path="", says="found nothing"),
    Case(
        code=Code.YAML_FEATURE,
        job={"owner": "!person ann"},
        at="!person",
        path="jobs.daily.owner",
        says="found a tag",
    ),
    Case(
        code=Code.BAD_ALIAS,
        job={"owner": "*ann"},
        at="*ann",
        path="jobs.daily.owner",
        says="found an alias to none",
        hint="a text that starts with * needs quotes",
    ),
    Case(
        code=Code.MISSING_VARIABLE,
        job={"owner": '"${OWNER}"'},
        at='"${OWNER}"',
        path="jobs.daily.owner",
        says="expected the environment variable OWNER to be set",
    ),
    Case(
        code=Code.MISSING_FILE,
        job={"owner": "${file:/nowhere/owner}"},
        at="${file:",
        path="jobs.daily.owner",
        says="expected the file /nowhere/owner",
    ),
    Case(
        code=Code.BAD_REFERENCE,
        job={"owner": "${no name}"},
        at="${no name}",
        path="jobs.daily.owner",
        says="expected ${NAME} or ${file:/path}",
    ),
    Case(
        code=Code.UNKNOWN_KEY,
        job={"overlapp": "forbid"},
        at="overlapp: forbid",
        path="jobs.daily.overlapp",
        says="expected a key that is known here, found 'overlapp'",
        hint="did you mean 'overlap'?",
    ),
    Case(
        code=Code.MISSING_KEY,
        job={"schedule": None},
        at="daily:",
        path="jobs.daily.schedule",
        says="expected the key 'schedule', found none",
    ),
    Case(
        code=Code.WRONG_TYPE,
        job={"recheck": "15m"},
        at="15m",
        path="jobs.daily.recheck",
        says="expected a list, found a text",
    ),
    Case(
        code=Code.NOT_A_CHOICE,
        job={"covers": "previous-dya"},
        at="previous-dya",
        path="jobs.daily.covers",
        says="expected one of previous-interval, same-day",
        hint="did you mean 'previous-day'?",
    ),
    Case(
        code=Code.BAD_VALUE,
        job={"start_within": "5 minutes"},
        at="5 minutes",
        path="jobs.daily.start_within",
        says="expected a duration such as 90s, 5m or 1h30m, found '5 minutes'",
    ),
    Case(
        code=Code.BAD_NAME,
        text='version: 1\njobs:\n  "../../x": {schedule: {every: 1h}, class: best-effort}\n',
        at='"../../x"',
        path="jobs.../../x",
        says="found '../../x'",
    ),
    Case(
        code=Code.WRONG_STORE,
        job={
            "checks": f"[{scope('regions')}, {{type: file, name: it, store: shop, path: a.csv}}]",
        },
        at="shop, path",
        path="jobs.daily.checks[1].store",
        says="expected a store of type files, found 'shop' of type sql",
    ),
    Case(
        code=Code.UNKNOWN_STORE,
        job={
            "checks": f"[{scope('regions').replace('store: shop, table', 'store: shopp, table')}]"
        },
        at="shopp,",
        path="jobs.daily.checks[0].store",
        says="found 'shopp'",
        hint="did you mean 'shop'?",
    ),
    Case(
        code=Code.UNKNOWN_CHECK,
        job={
            "effects": None,
            "surfaces": "[{name: table, kind: replace, checks: [region]}]",
            "checks": f"[{scope('regions')}]",
        },
        at="region]",
        path="jobs.daily.surfaces[0].checks[0]",
        says="found 'region'",
        hint="did you mean 'regions'?",
    ),
    Case(
        code=Code.SAME_NAME,
        job={"checks": f"[{scope('one')},\n      {scope('one')}]"},
        at="one, store",
        path="jobs.daily.checks[1].name",
        says="found 'one' again",
    ),
    Case(
        code=Code.NOT_ONE_DAY,
        job={"schedule": "{every: 1h}", "covers": "previous-interval"},
        at='"day = :day"',
        path="jobs.daily.checks[0].where",
        says="expected a business interval of one local day where :day is bound",
    ),
    Case(
        code=Code.UNKNOWN_PARAMETER,
        job={"checks": f"[{scope('one').replace(':day', ':dya')}]"},
        at="'day = :dya'",
        path="jobs.daily.checks[0].where",
        says="found ':dya'",
        hint="did you mean 'day'?",
    ),
    Case(
        code=Code.BAD_SCHEDULE,
        job={"schedule": '{cron: "0 25 * * *"}'},
        at='"0 25 * * *"',
        path="jobs.daily.schedule.cron",
        says="expected",
    ),
    Case(
        code=Code.NEEDS_POLICY,
        job={"class": None},
        at="daily:",
        path="jobs.daily",
        says="expected class or overlap",
    ),
    Case(
        code=Code.UNWATCHED_SURFACE,
        job={
            "effects": None,
            "surfaces": "[{name: table, kind: replace, checks: [regions]}, "
            "{name: mail, kind: external}]",
        },
        at="mail,",
        path="jobs.daily.surfaces[1].name",
        says="can prove the surface 'mail' complete",
        level=Level.WARNING,
    ),
    Case(
        code=Code.UNPROVABLE,
        job={"checks": None},
        at="daily:",
        path="jobs.daily",
        says="expected a required check that can prove a run complete",
        level=Level.WARNING,
    ),
    Case(
        code=Code.EFFECTS_TWICE,
        job={"surfaces": "[{name: table, kind: replace}]"},
        at="effects:",
        path="jobs.daily.effects",
        says="found both",
    ),
    Case(
        code=Code.OPEN_WITHOUT_TOKENS,
        top="listen: 0.0.0.0:9877",
        at="0.0.0.0:9877",
        path="listen",
        says="tokens to ingest and to operate",
    ),
    Case(
        code=Code.BEAT_TOO_SHORT,
        job={"heartbeat_within": "20s"},
        at="20s",
        path="jobs.daily.heartbeat_within",
        says="expected more than 30s, found 20s",
        level=Level.WARNING,
    ),
    Case(
        code=Code.LIMITS_CONTRADICT,
        job={"start_within": "2h", "finish_within": "1h"},
        at="2h",
        path="jobs.daily.start_within",
        says="expected at most finish_within (1h), found 2h",
    ),
    Case(
        code=Code.SURFACE_UNCLEAR,
        job={
            "effects": None,
            "surfaces": SURFACES,
            "checks": f"[{scope('regions')}, {scope('sent')}, {scope('third')}]",
        },
        at="third,",
        path="jobs.daily.checks[2].name",
        says="expected 'third' to belong to a surface, found it in none",
    ),
    Case(
        code=Code.RETRY_CONTRADICTS,
        job={"effects": "external", "retry": "{max_attempts: 3, auto: always}"},
        at="auto: always",
        path="jobs.daily.retry.auto",
        says="where effects are external, found always",
        level=Level.WARNING,
    ),
    Case(
        code=Code.SAME_TOKEN,
        top="tokens: {ingest: [0123456789abcdef], operate: {ann: 0123456789abcdef}}",
        at="0123456789abcdef}}",
        path="tokens.…",
        says="expected a token that stands nowhere else",
    ),
    Case(
        code=Code.PARTITIONS_UNCLEAR,
        job={"complete_when": "99.9%"},
        at="complete_when",
        path="jobs.daily.complete_when",
        says="expected a job with partitions, found one without",
    ),
    Case(
        code=Code.UNKNOWN_JOB,
        top="tokens: {ping: {nobody: 3f2c1d4e-0000-4000-8000-000000000002}}",
        at="nobody",
        path="tokens.…",
        says="expected the name of a declared job",
        hint="a ping token is of one job, and bears its name",
    ),
    Case(
        code=Code.NO_JOBS,
        text="version: 1\njobs: {}\n",
        at="{}",
        path="jobs",
        says="expected at least one job, found none",
        level=Level.WARNING,
    ),
    Case(
        code=Code.UNKNOWN_SOURCE,
        job={"scheduler": "{source: night, task: load}"},
        at="night, task",
        path="jobs.daily.scheduler.source",
        says="expected a source of the file, found 'night'",
        hint="sources declares none",
    ),
    Case(
        code=Code.BOUND_TWICE,
        text=TWO_BOUND,
        at="scheduler: {source: night, task: load}, class",
        path="jobs.two.scheduler",
        says="found the same as jobs.one",
    ),
    Case(
        code=Code.NO_SOURCE_TYPE,
        top="sources: {night: {type: quartz}}",
        at="quartz",
        path="sources.night.type",
        says="found 'quartz'",
    ),
    Case(
        code=Code.UNUSED_SOURCE,
        top="sources: {night: {type: lines, path: x}}",
        at="night:",
        path="sources.night",
        says="expected a job that is bound to it",
        level=Level.WARNING,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code.value)
def test_each_code_is_told_at_its_place_with_what_was_expected_and_found(
    case: Case,
    plugin: object,
    read: Callable[..., Reading],
    with_job: Callable[..., str],
    with_top: Callable[[str], str],
    pointed: Callable[[str, Problem], str],
) -> None:
    text = case.text or (with_top(case.top) if case.top else with_job(**case.job))
    reading = read(text)
    (problem,) = reading.problems
    assert (problem.code, problem.level) == (case.code, case.level)
    assert pointed(text, problem).startswith(case.at)
    assert problem.path == case.path
    assert case.says in problem.message
    assert problem.message.startswith("expected ")
    assert ", found" in problem.message
    assert (reading.config is None) is (case.level is Level.ERROR)
    if case.hint is not None:
        assert problem.hint == case.hint


def test_every_code_has_a_case() -> None:
    assert {case.code for case in CASES} | OF_FILES == set(Code)


def test_codes_are_unique_and_explained() -> None:
    values = [code.value for code in Code]
    assert len(set(values)) == len(values)
    assert all(value.startswith("LND") and len(value) == 6 for value in values)
    assert all(code.meaning.endswith(".") for code in Code)


def test_a_code_is_its_text(read: Callable[..., Any]) -> None:
    (problem,) = read("").problems
    assert str(problem).startswith("landed.yaml:1:1 LND008 expected a mapping")
