import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import CHECK_TYPES, Check


def test_every_type_is_known_by_the_name_that_its_model_declares():
    types = "scope exactly_once row_count freshness reconcile ledger baseline sql file http python"
    assert set(CHECK_TYPES) == set(types.split())


def test_a_type_that_is_not_there_is_an_error_and_never_ignored():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Check).validate_python({"type": "no_such", "name": "it"})

    assert caught.value.errors()[0]["type"] == "union_tag_invalid"


def test_an_error_has_the_place_where_it_is():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Check).validate_python(
            {
                "type": "reconcile",
                "name": "it",
                "left": {"store": "orders", "sql": 5},
                "right": {"store": "x", "sql": "select 1"},
            }
        )

    assert [error["loc"] for error in caught.value.errors()] == [("reconcile", "left", "sql")]


@pytest.mark.parametrize("model", CHECK_TYPES.values(), ids=CHECK_TYPES)
def test_the_schema_describes_every_field_of_every_type(model):
    schema = model.model_json_schema()

    for name, field in schema["properties"].items():
        if name != "type":
            assert field.get("description"), name
    assert schema["additionalProperties"] is False
    assert "type" in schema["required"]
