from collections.abc import Callable

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Level, Problem

With = Callable[..., str]
Only = Callable[..., Problem]

TWO = "[{name: table, kind: append}, {name: mail, kind: external}]"


def scope(name: str, surface: str | None = None, more: str = "") -> str:
    told = f", surface: {surface}" if surface else ""
    return (
        f"{{type: scope, name: {name}, store: shop, table: t, key: [k], where: 'd = :day', "
        f"expected: {{store: shop, sql: 'select k from t'}}{told}{more}}}"
    )


def reconcile(name: str, more: str = "") -> str:
    side = "{store: shop, sql: 'select 1'}"
    return f"{{type: reconcile, name: {name}, left: {side}, right: {side}{more}}}"


def test_checks_belong_to_surfaces_from_either_side(
    with_job: With, read: Callable[..., Reading]
) -> None:
    surfaces = "[{name: table, kind: append, checks: [rows]}, {name: mail, kind: external}]"
    checks = f"[{scope('rows')}, {scope('sent', 'mail')}, {reconcile('totals')}]"
    reading = read(with_job(effects=None, surfaces=surfaces, checks=checks))
    assert reading.problems == ()
    assert reading.config is not None
    table, mail = reading.config.job("daily").declaration.surfaces
    assert (table.checks, mail.checks) == (("rows",), ("sent",))


def test_the_only_surface_has_all_checks(with_job: With, read: Callable[..., Reading]) -> None:
    checks = f"[{scope('rows')}, {reconcile('totals')}]"
    surfaces = "[{name: table, kind: append}]"
    reading = read(with_job(effects=None, surfaces=surfaces, checks=checks))
    assert reading.problems == ()
    assert reading.config is not None
    assert reading.config.job("daily").declaration.surfaces[0].checks == ("rows", "totals")


@pytest.mark.parametrize(
    ("checks", "path", "code"),
    [
        ([scope("a", "table"), scope("b", "mial")], "checks[1].surface", Code.SURFACE_UNCLEAR),
        (
            [scope("a", "table"), scope("b", "mail"), scope("c")],
            "checks[2].name",
            Code.SURFACE_UNCLEAR,
        ),
        (
            [scope("a", "table"), scope("b", "mail"), reconcile("c", ", proves: complete")],
            "checks[2].name",
            Code.SURFACE_UNCLEAR,
        ),
        ([scope("a", "table"), scope("a", "mail")], "checks[1].name", Code.SAME_NAME),
    ],
)
def test_a_check_of_the_effect_belongs_to_one_surface(
    checks: list[str], path: str, code: Code, with_job: With, read: Callable[..., Reading]
) -> None:
    text = with_job(effects=None, surfaces=TWO, checks=f"[{', '.join(checks)}]")
    errors = [each for each in read(text).problems if each.level is Level.ERROR]
    assert (code, f"jobs.daily.{path}") in {(each.code, each.path) for each in errors}


def test_a_check_in_two_surfaces_is_refused(with_job: With, only: Only) -> None:
    surfaces = "[{name: a, kind: append, checks: [rows]}, {name: b, kind: append, checks: [rows]}]"
    problem = only(with_job(effects=None, surfaces=surfaces, checks=f"[{scope('rows')}]"))
    assert problem.code is Code.SURFACE_UNCLEAR
    assert problem.message.endswith("found it in a, b")


def test_two_surfaces_of_one_name_are_refused(with_job: With, read: Callable[..., Reading]) -> None:
    surfaces = "[{name: a, kind: append}, {name: a, kind: upsert}]"
    problems = read(with_job(effects=None, surfaces=surfaces, checks=f"[{scope('rows', 'a')}]"))
    assert Code.SAME_NAME in {each.code for each in problems.problems}


def test_a_surface_is_named_only_where_there_are_surfaces(with_job: With, only: Only) -> None:
    problem = only(with_job(checks=f"[{scope('rows', 'effects')}]"))
    assert (problem.code, problem.path) == (
        Code.SURFACE_UNCLEAR,
        "jobs.daily.checks[0].surface",
    )


def test_a_surface_that_lists_checks_of_a_job_without_any_is_told(
    with_job: With, read: Callable[..., Reading]
) -> None:
    surfaces = "[{name: table, kind: append, checks: [rows]}]"
    problems = read(with_job(effects=None, surfaces=surfaces, checks=None)).problems
    told = {each.code: each for each in problems}
    assert told[Code.UNKNOWN_CHECK].hint == "the job has no checks"


@pytest.mark.parametrize(
    "more", [", required: false", ", on_violation: warn"], ids=["optional", "warns"]
)
def test_a_check_that_cannot_keep_a_run_from_being_verified_proves_no_surface(
    more: str, with_job: With, read: Callable[..., Reading]
) -> None:
    checks = f"[{scope('rows', 'table')}, {scope('sent', 'mail', more)}]"
    (problem,) = read(with_job(effects=None, surfaces=TWO, checks=checks)).problems
    assert (problem.code, problem.path) == (
        Code.UNWATCHED_SURFACE,
        "jobs.daily.surfaces[1].name",
    )


def test_a_surface_without_effect_needs_no_check(
    with_job: With, read: Callable[..., Reading]
) -> None:
    surfaces = "[{name: table, kind: append}, {name: log, kind: none}]"
    checks = f"[{scope('rows', 'table')}]"
    assert read(with_job(effects=None, surfaces=surfaces, checks=checks)).problems == ()
