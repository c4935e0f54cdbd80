from collections.abc import Callable

import pytest

from verifier.checks.question import PARAMETERS
from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Problem

With = Callable[..., str]
Only = Callable[..., Problem]


def count(sql: str) -> str:
    return f'[{{type: row_count, name: rows, store: shop, sql: "{sql}", ge: 1}}]'


@pytest.mark.parametrize("name", sorted(PARAMETERS.keys() - {"partition"}))
def test_every_parameter_of_a_run_may_be_bound(
    name: str, with_job: With, read: Callable[..., Reading]
) -> None:
    assert read(with_job(checks=count(f"select :{name}"))).problems == ()


def test_partition_may_be_bound_only_where_the_job_has_partitions(
    with_job: With, read: Callable[..., Reading]
) -> None:
    (problem,) = read(with_job(checks=count("select :partition"))).problems
    assert (problem.code, problem.path) == (Code.PARTITIONS_UNCLEAR, "jobs.daily.checks[0].sql")
    assert "':partition'" not in problem.message
    assert ":partition is bound" in problem.message
    assert problem.line is not None
    partitions = "{name: tenant, store: shop, sql: select code from tenants}"
    told = read(with_job(checks=count("select :partition"), partitions=partitions)).problems
    assert [each.path for each in told] == ["jobs.daily.partitions"]  # none tells them apart


TEMPLATES = [
    ("path", "{type: file, name: it, store: files, path: 'out/TEXT.csv', size: {ge: 1}}"),
    (
        "manifest",
        "{type: file, name: it, store: files, path: out, manifest: 'TEXT.json'}",
    ),
    (
        "checksum.path",
        "{type: file, name: it, store: files, path: a.csv, checksum: {path: 'TEXT.sha256'}}",
    ),
    ("path", "{type: http, name: it, store: web, path: 'sent/TEXT', value: $.n, ge: 1}"),
    (
        "params.of",
        "{type: http, name: it, store: web, path: sent, params: {of: 'TEXT'}, value: $.n, ge: 1}",
    ),
    (
        "api.path",
        "{type: ledger, name: it, expected: {store: shop, sql: select 1},"
        " api: {store: web, path: 'sent/TEXT', items: $.all, key: [$.id]}}",
    ),
]


@pytest.mark.parametrize(
    ("path", "check"), TEMPLATES, ids=[f"{path}-{check[7:11]}" for path, check in TEMPLATES]
)
@pytest.mark.parametrize(
    ("word", "code"),
    [("{partition}", Code.PARTITIONS_UNCLEAR), ("{day:%Y%m%d}", Code.NOT_ONE_DAY)],
)
def test_what_no_run_of_the_job_has_may_not_stand_in_a_path(
    check: str, path: str, word: str, code: Code, with_job: With, read: Callable[..., Reading]
) -> None:
    def problems(text: str) -> list[Problem]:
        written = with_job(checks=f"[{check.replace('TEXT', text)}]", covers=None)
        codes = (Code.PARTITIONS_UNCLEAR, Code.NOT_ONE_DAY)
        return [each for each in read(written).problems if each.code in codes]

    (problem,) = problems(word)
    assert (problem.code, problem.path) == (code, f"jobs.daily.checks[0].{path}")
    assert problem.line is not None
    assert f"where {word.partition(':')[0].rstrip('}')}}} stands" in problem.message
    assert problems("{due:%Y%m%d}") == []


def test_each_unknown_parameter_is_told(with_job: With, read: Callable[..., Reading]) -> None:
    problems = read(with_job(checks=count("select :date, :tenant"))).problems
    assert [each.code for each in problems] == [Code.UNKNOWN_PARAMETER] * 2
    assert "':date'" in problems[0].message
    assert "':tenant'" in problems[1].message


def test_every_store_of_a_check_is_looked_up(with_job: With, read: Callable[..., Reading]) -> None:
    check = (
        "[{type: row_count, name: rows, store: a, table: t, where: 'x = 1', within_abs: 0,"
        " expected: {store: b, sql: 'select 1', ready: {sql: 'select 1'}}}]"
    )
    problems = read(with_job(checks=check)).problems
    assert [(each.code, each.path) for each in problems] == [
        (Code.UNKNOWN_STORE, "jobs.daily.checks[0].store"),
        (Code.UNKNOWN_STORE, "jobs.daily.checks[0].expected.store"),
    ]
    assert problems[0].hint == "stores has shop"


def test_a_job_whose_file_declares_no_store_is_told_so(
    with_job: With, read: Callable[..., Reading]
) -> None:
    text = with_job().replace(with_job().splitlines()[1] + "\n", "")
    assert {each.hint for each in read(text).problems} == {"stores declares none"}


def test_a_statement_that_writes_is_refused(with_job: With, only: Only) -> None:
    problem = only(with_job(checks=count("delete from t")))
    assert (problem.code, problem.path) == (Code.BAD_VALUE, "jobs.daily.checks[0].sql")


DAY = count("select :day")


@pytest.mark.parametrize(
    "keys",
    [
        {"schedule": '{cron: "0 2 * * *"}', "covers": "previous-day"},
        {"schedule": '{cron: "0 2 * * *"}', "covers": "same-day"},
        {"schedule": '{cron: "0 2 * * 1-5"}', "covers": "previous-business-day"},
        {"schedule": "{every: 1h}", "covers": "same-day"},
        {"schedule": '{cron: "0 0 * * *"}', "covers": "previous-interval"},
        {"schedule": "{every: 24h}", "covers": "previous-interval"},
        {
            "schedule": '{cron: "0 0 * * *", timezone: America/New_York}',
            "covers": "{start: -1d, end: 0d}",
        },
    ],
)
def test_day_may_be_bound_where_each_interval_is_one_local_day(
    keys: dict[str, str], with_job: With, read: Callable[..., Reading]
) -> None:
    assert read(with_job(checks=DAY, **keys)).problems == ()


@pytest.mark.parametrize(
    "keys",
    [
        {"schedule": "{every: 1h}", "covers": "previous-interval"},
        {"schedule": '{cron: "0 2 * * *"}', "covers": "previous-interval"},
        {"schedule": '{cron: "0 2 * * *"}', "covers": "previous-week"},
        {"schedule": '{cron: "0 2 * * *"}', "covers": "{start: -1d, end: 0d}"},
        {"schedule": '{cron: "0 0 * * 1-5"}', "covers": "previous-interval"},
        # In winter London's midnight is that of UTC, in summer it is not.
        {"schedule": "{every: 24h, timezone: Europe/London}", "covers": "previous-interval"},
        {"schedule": "{every: 24h, timezone: Australia/Sydney}", "covers": "previous-interval"},
    ],
)
def test_day_is_refused_where_any_interval_is_not_one_local_day(
    keys: dict[str, str], with_job: With, only: Only
) -> None:
    problem = only(with_job(checks=DAY, **keys))
    assert (problem.code, problem.path) == (Code.NOT_ONE_DAY, "jobs.daily.checks[0].sql")


def test_day_is_not_judged_where_the_schedule_is_broken(with_job: With, only: Only) -> None:
    assert only(with_job(checks=DAY, schedule='{cron: "x"}')).code is Code.BAD_SCHEDULE
