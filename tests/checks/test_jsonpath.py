import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.jsonpath import ABSENT, JsonPath, at

DOCUMENT = {"data": {"total": 3, "items": [{"id": 7}, {"id": None}]}, "a-b": [[1, 2]]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.total", 3),
        ("data.items[1].id", None),
        ("data.items", DOCUMENT["data"]["items"]),
        ("a-b[0][1]", 2),
        ("data.nothing", ABSENT),
        ("data.items[2]", ABSENT),
        ("data.total.more", ABSENT),
        ("data[0]", ABSENT),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(path, value):
    assert at(DOCUMENT, TypeAdapter(JsonPath).validate_python(path)) is value or (
        at(DOCUMENT, path) == value
    )


@pytest.mark.parametrize("path", ["", ".", "a..b", "a[", "a[x]", "a]", "a[-1]", ".a", "a."])
def test_what_is_no_path_is_an_error(path):
    with pytest.raises(ValidationError):
        TypeAdapter(JsonPath).validate_python(path)
