import sys
from collections.abc import Callable

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Problem
from verifier.config.shape import is_name

Only = Callable[..., Problem]
With = Callable[..., str]


@pytest.mark.parametrize(
    ("key", "value", "code", "message"),
    [
        ("recheck", "[]", None, ""),
        ("recheck", "true", Code.WRONG_TYPE, "expected a list, found true or false"),
        ("statement", "5", Code.WRONG_TYPE, "expected a text, found 5"),
        ("statement", '""', Code.BAD_VALUE, "expected a text of 1 to 500 characters"),
        ("statement", '"a\\eb"', Code.BAD_VALUE, "without control characters, found 'a\\x1bb'"),
        ("owner", '"a\\nb"', Code.BAD_VALUE, "expected one line of up to 100 characters"),
        ("runbook", "javascript:x", Code.BAD_VALUE, "starts with http:// or https://"),
        ("resumable", "maybe", Code.WRONG_TYPE, "expected true or false, found 'maybe'"),
        ("retry", "3", Code.WRONG_TYPE, "expected a mapping, found a number"),
        ("retry", "{max_attempts: 0}", Code.BAD_VALUE, "expected 1 or more, found 0"),
        ("retry", "{max_attempts: x}", Code.WRONG_TYPE, "expected a whole number, found 'x'"),
        ("retry", "{max_attempts: 1.5}", Code.WRONG_TYPE, "expected a whole number, found 1.5"),
        ("settle", "-1s", Code.BAD_VALUE, "expected 0s to 3660d, found '-1s'"),
        ("settle", "10", Code.BAD_VALUE, "expected a duration such as 90s, 5m or 1h30m"),
        ("lease", "0s", Code.BAD_VALUE, "expected 1ms to 3660d, found '0s'"),
        ("lease", "999999999d", Code.BAD_VALUE, "expected 1ms to 3660d"),
        ("since", "yesterday", Code.BAD_VALUE, "expected a date such as 2026-04-01 or an instant"),
        ("since", "2026-04-01T00:00:00", Code.BAD_VALUE, "expected a date such as"),
        ("since", "0001-01-01", Code.BAD_VALUE, "expected a year from 1970 to 9000, found 1"),
        ("since", "2026", Code.BAD_VALUE, "expected a date or an instant, found"),
        ("covers", "{start: -1d}", Code.MISSING_KEY, "expected the key 'end', found none"),
        ("covers", "{start: -1d, end: 0d, x: 1}", Code.UNKNOWN_KEY, "found 'x'"),
        ("covers", "{start: 0d, end: -1d}", Code.BAD_VALUE, "expected an interval that ends after"),
        ("covers", "5", Code.NOT_A_CHOICE, "found 5"),
        ("surfaces", "[]", Code.BAD_VALUE, "expected at least 1 of them, found a list"),
        ("guard", "{enabled: true, when_unsur: open}", Code.UNKNOWN_KEY, "found 'when_unsur'"),
        ("checks", "[5]", Code.WRONG_TYPE, "expected a mapping, found a number"),
        ("checks", "[{name: x}]", Code.MISSING_KEY, "expected the key 'type', found none"),
        ("checks", "[{type: scpoe, name: x}]", Code.NOT_A_CHOICE, "found 'scpoe'"),
        ("checks", "[{type: [scope], name: x}]", Code.NOT_A_CHOICE, "found a list"),
    ],
)
def test_a_value_of_the_wrong_shape_is_told(
    key: str,
    value: str,
    code: Code | None,
    message: str,
    with_job: With,
    read: Callable[..., Reading],
    only: Only,
) -> None:
    text = with_job(**{key: value}, **({"effects": None} if key == "surfaces" else {}))
    if code is None:
        assert read(text).problems == ()
        return
    problem = only(text)
    assert problem.code is code
    assert message in problem.message


def test_a_misspelt_key_of_a_check_is_told_with_the_nearest(
    with_job: With, only: Only, scope: str
) -> None:
    problem = only(with_job(checks=f"[{scope[:-1]}, requird: true}}]"))
    assert problem.path == "jobs.daily.checks[0].requird"
    assert problem.hint == "did you mean 'required'?"


def test_a_key_that_resembles_none_is_told_with_all_that_are_known(
    with_job: With, only: Only
) -> None:
    problem = only(with_job(retry="{zzz: 1}"))
    assert problem.hint == "known here are auto, max_attempts"


def test_a_key_within_a_part_of_a_check_is_found(with_job: With, only: Only) -> None:
    check = (
        "{type: reconcile, name: totals, proves: complete, left: {store: shop, sqll: 'select 1'},"
        " right: {store: shop, sql: 'select 1'}}"
    )
    text = with_job(checks=f"[{check}]").replace("sqll:", "sql: 'select 1', sqll:")
    problem = only(text)
    assert problem.path == "jobs.daily.checks[0].left.sqll"
    assert problem.hint == "did you mean 'sql'?"


def test_what_a_check_says_of_its_own_fields_is_passed_on(
    with_job: With, only: Only, scope: str
) -> None:
    problem = only(with_job(checks=f"[{scope[:-1]}, within: 90d}}]"))
    assert problem.code is Code.BAD_VALUE
    assert problem.path == "jobs.daily.checks[0]"
    assert problem.message.startswith("expected 'column'")


def test_a_misspelt_key_of_a_store_is_told(with_job: With, only: Only) -> None:
    text = with_job().replace("type: sql,", "type: sql, statement_timout: 5s,")
    assert only(text).hint == "did you mean 'statement_timeout'?"


def test_a_kind_of_database_that_is_not_known_is_told_without_the_url(
    with_job: With, only: Only
) -> None:
    text = with_job().replace("sqlite:////srv/shop.db", "oracle://landed:hunter2@db/shop")
    problem = only(text)
    assert problem.code is Code.BAD_VALUE
    assert problem.path.endswith(".url")
    assert "sqlite, postgresql, mysql, mariadb, duckdb" in problem.message
    assert "hunter2" not in str(problem)


def test_a_driver_that_is_not_installed_is_told_with_what_to_install(
    with_job: With, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.checks.stores.kinds.find_spec", lambda _name: None)
    problem = only(with_job().replace("sqlite:////srv/shop.db", "mariadb://landed@db/shop"))
    assert problem.path.endswith(".url")
    assert problem.hint is not None
    assert problem.hint.endswith(" install 'landed[mysql]'")
    assert problem.message.startswith("expected the driver pymysql to be installed")


@pytest.mark.parametrize(
    ("pip", "command"), [(True, "pip"), (False, f"python3 -m pip --python {sys.executable}")]
)
def test_a_driver_is_installed_from_outside_where_pip_is_not_inside(
    with_job: With, only: Only, monkeypatch: pytest.MonkeyPatch, pip: bool, command: str
) -> None:
    monkeypatch.setattr("verifier.checks.stores.kinds.find_spec", lambda _name: None)
    monkeypatch.setattr("verifier.config.shape.find_spec", lambda _name: pip or None)
    problem = only(with_job().replace("sqlite:////srv/shop.db", "mariadb://landed@db/shop"))
    assert problem.hint == f"{command} install 'landed[mysql]'"


def test_a_name_that_cannot_be_is_told_without_it_where_it_could_be_a_secret(
    with_top: Callable[[str], str], only: Only
) -> None:
    problem = only(with_top("tokens: {operate: {hunter2/: 0123456789abcdef}}"))
    assert problem.code is Code.BAD_NAME
    assert "hunter2" not in str(problem)


def test_an_explicit_nothing_is_told_where_something_belongs(with_job: With, only: Only) -> None:
    assert only(with_job(recheck="")).message == "expected a list, found nothing"


def test_a_number_or_a_flag_may_come_from_the_environment(
    with_job: With, read: Callable[..., Reading]
) -> None:
    text = with_job(retry='{max_attempts: "${TRIES}"}', resumable='"${RESUMABLE}"')
    reading = read(text, {"TRIES": "4", "RESUMABLE": "true"})
    assert reading.config is not None
    declaration = reading.config.job("daily").declaration
    assert (declaration.retry.max_attempts, declaration.resumable) == (4, True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lease", "${SECRET}"),
        ("owner", "x\\n${SECRET}"),
        ("effects", "${SECRET}"),
        ("since", "${SECRET}"),
        ("schedule", '{cron: "${SECRET}"}'),
        ("schedule", '{every: 1d, timezone: "${SECRET}"}'),
        ("schedule", '{every: 1d, dialect: "${SECRET}"}'),
        ("schedule", '{every: 1d, calendar: {country: "${SECRET}"}}'),
        ("retry", '{max_attempts: "${SECRET}"}'),
        ("checks", '[{type: "${SECRET}", name: x}]'),
        ("checks", '[{type: row_count, name: "${SECRET}", store: shop, sql: "x", ge: 1}]'),
        ("checks", '[{type: row_count, name: x, store: "${SECRET}", sql: "select 1", ge: 1}]'),
        ("checks", '[{type: row_count, name: x, store: shop, sql: "${SECRET}", ge: 1}]'),
        ("checks", '[{type: row_count, name: x, store: shop, sql: "select :${SECRET}", ge: 1}]'),
        ("checks", '[{type: row_count, name: x, store: shop, sql: "select 1", ge: "${SECRET}"}]'),
    ],
)
def test_what_a_variable_holds_is_in_no_problem(
    key: str, value: str, with_job: With, read: Callable[..., Reading]
) -> None:
    quoted = value if value[0] in "[{" else f'"{value}"'
    problems = read(with_job(**{key: quoted}), {"SECRET": "hunter2_swordfish"}).problems
    assert problems
    for problem in problems:
        assert "hunter" not in str(problem)
        assert "sword" not in str(problem)


def test_a_value_from_elsewhere_is_told_as_it_is_written(with_job: With, only: Only) -> None:
    problem = only(with_job(effects='"${EFFECTS}"'), {"EFFECTS": "replase"})
    assert problem.message.endswith("found '${EFFECTS}'")
    assert problem.hint == "what ${…} stands for is not shown"


@pytest.mark.parametrize("name", ["a", "A.b-c_d9", "9", "x" * 100])
def test_what_can_be_a_name(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", ".a", "-a", "a/b", "a b", "ä", "x" * 101, "a\n", "..", "٣"])
def test_what_cannot_be_a_name(name: str) -> None:
    assert not is_name(name)
