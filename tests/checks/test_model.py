from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.model import Duration
from verifier.checks.registry import Check
from verifier.runs.declaration import CheckTraits

SCOPE = {
    "type": "scope",
    "name": "regions",
    "store": "warehouse",
    "table": "daily_revenue",
    "key": ["region"],
    "where": "day = :day",
    "expected": {
        "store": "orders",
        "sql": "select code from regions where active",
        "ready": {"sql": "select 1 where :due > 0"},
    },
}
TOTALS = {
    "type": "reconcile",
    "name": "totals",
    "left": {"store": "orders", "sql": "select 1"},
    "right": {"store": "warehouse", "sql": "delete from t"},
}


def declared(fields):
    return TypeAdapter(Check).validate_python(fields)


def test_traits_tell_judging_what_it_needs():
    assert declared(SCOPE).traits() == CheckTraits(name="regions", type="scope", says_effect=True)
    assert declared(
        {**TOTALS, "proves": "complete", "required": False, "on_violation": "warn"}
    ).traits() == CheckTraits(
        name="totals", type="reconcile", required=False, proves_complete=True, only_warns=True
    )


def test_only_what_can_prove_completion_says_so():
    once = {key: SCOPE[key] for key in ("name", "store", "table", "key", "where")}
    rows = {"name": "rows", "store": "warehouse", "sql": "select 1", "ge": 1}

    assert declared(SCOPE).traits().can_prove
    assert declared({**rows, "type": "row_count"}).traits().can_prove
    assert not declared({**once, "type": "exactly_once"}).traits().can_prove
    assert not declared(TOTALS).traits().can_prove
    assert declared({**TOTALS, "proves": "complete"}).traits().can_prove


def test_every_sql_text_is_listed_with_its_place_store_and_parameters():
    queries = [
        (query.path, query.store, query.store_path, query.parameters)
        for query in declared(SCOPE).queries()
    ]

    assert queries == [
        (("where",), "warehouse", ("store",), {"day"}),
        (("expected", "sql"), "orders", ("expected", "store"), set()),
        (("expected", "ready", "sql"), "orders", ("expected", "store"), {"due"}),
    ]
    assert [
        (query.path, query.store, query.store_path) for query in declared(TOTALS).queries()
    ] == [
        (("left", "sql"), "orders", ("left", "store")),
        (("right", "sql"), "warehouse", ("right", "store")),
    ]


def test_a_text_that_is_plainly_wrong_says_so_before_anything_is_asked():
    condition = next(iter(declared({**SCOPE, "where": "a = 1) or (1 = 1"}).queries()))
    left, right = declared(TOTALS).queries()

    assert condition.problem == "expected a condition, found a ')' that closes nothing"
    assert left.problem is None
    assert right.problem == (
        "expected a statement that reads (SELECT, WITH, VALUES), found 'delete'"
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("1h30m", timedelta(minutes=90)),
        ("500ms", timedelta(0, 0.5)),
    ],
)
def test_durations_are_read_as_people_write_them(text, length):
    durations = TypeAdapter(Duration)

    assert durations.validate_python(text) == length
    assert durations.dump_python(length) == text


@pytest.mark.parametrize("value", ["", "5", "5 minutes", "0s", "-5m", 5, None])
def test_what_is_no_duration_above_zero_is_refused(value):
    with pytest.raises(ValidationError, match="expected"):
        TypeAdapter(Duration).validate_python(value)


def test_the_schema_of_a_duration_is_a_text_with_a_pattern():
    schema = TypeAdapter(Duration).json_schema()

    assert schema["type"] == "string"
    assert schema["examples"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "../../x"}, "match pattern"),
        ({"name": ""}, "match pattern"),
        ({"on_violation": "explode"}, "'fail' or 'warn'"),
        ({"severity": "page"}, "Extra inputs"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        declared({**SCOPE, **fields})


def test_a_declaration_cannot_be_changed_later():
    with pytest.raises(ValidationError, match="frozen"):
        declared(SCOPE).required = False
