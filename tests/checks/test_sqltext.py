import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from verifier.checks.sqltext import (
    condition_problem,
    for_sqlalchemy,
    parameters_in,
    statement_problem,
)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("day = :day", {"day"}),
        ("at >= :interval_start and at < :interval_end", {"interval_start", "interval_end"}),
        ("day = :day::date", {"day"}),
        ("x::date = :day", {"day"}),
        ("'a :quoted b' = \":named\"", set()),
        ("'it''s :quoted' = :day", {"day"}),
        ("strftime('%H:%M', at) = '12:30'", set()),
        ("-- :comment\nday = :day", {"day"}),
        ("/* :comment\n:more */ day = :day", {"day"}),
        ("$$ :body $$ = $tag$ :body $$ $tag$ and a = :day", {"day"}),
        (r"\:literal = :day", {"day"}),
        ("a[1:3]", set()),
        ("`:odd` = :day", {"day"}),
        ("a := 3", set()),
        ("'open :day", {"day"}),
    ],
)
def test_only_what_is_bound_counts_as_a_parameter(sql, names):
    assert parameters_in(sql) == names
    assert set(text(for_sqlalchemy(sql))._bindparams) == names


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("select ':a b' where x = :day", "select ':a b' where x = ?"),
        ("select a::date, :day::date", "select a::date, ?::date"),
        (r"select '\:x', \:y, 'a\b:c'", r"select '\:x', :y, 'a\b:c'"),
        ("select '12:30', a[1:3] -- :no", "select '12:30', a[1:3] -- :no"),
    ],
)
def test_the_text_reaches_the_database_as_it_was_written(sql, sent):
    assert str(text(for_sqlalchemy(sql)).compile(dialect=sqlite.dialect())) == sent


@given(st.text(alphabet=":\\'\"`$-/* \nab1;()", max_size=30))
def test_no_text_makes_the_two_readings_of_parameters_differ(sql):
    assert set(text(for_sqlalchemy(sql))._bindparams) == parameters_in(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "SELECT 1;",
        " -- why\n select 1 ; -- done",
        "with d as (select 1) select * from d",
        "values (1)",
        "(select 1) union (select 2)",
        "select 'insert into x; delete from y'",
        "select updated, deleted from t",
    ],
)
def test_a_statement_that_reads_passes_the_lint(sql):
    assert statement_problem(sql) is None


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("", "found none"),
        ("-- nothing", "found none"),
        ("delete from t", "found 'delete'"),
        ("select 1; drop table t", "another after ';'"),
        ("with d as (delete from t returning *) select * from d", "found 'DELETE FROM'"),
        ("with d as (select 1) insert\ninto t select * from d", "found 'INSERT INTO'"),
        ("pragma writable_schema = 1", "found 'pragma'"),
        ("explain select 1", "found 'explain'"),
    ],
)
def test_a_statement_that_does_more_than_read_is_told_apart(sql, found):
    problem = statement_problem(sql)

    assert problem is not None
    assert found in problem


@pytest.mark.parametrize("sql", ["day = :day", "a in (1, (2)) -- (", "note <> ')'"])
def test_a_condition_passes_the_lint(sql):
    assert condition_problem(sql) is None


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("  -- empty", "found none"),
        ("a = 1; drop table t", "found ';'"),
        ("a = 1) or (b = 2", "closes nothing"),
        ("(a = 1", "nothing closes"),
    ],
)
def test_a_text_that_is_no_condition_is_told_apart(sql, found):
    problem = condition_problem(sql)

    assert problem is not None
    assert found in problem
