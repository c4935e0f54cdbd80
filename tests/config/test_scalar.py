import math

import pytest

from verifier.config.scalar import plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        (".inf", math.inf),
    ],
)
def test_a_plain_scalar_of_the_core_schema_has_its_value(text: str, value: object) -> None:
    found = plain_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number() -> None:
    found = plain_scalar(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "y", "2026-04-01", "15m", "1_000", "0b1", "1:30", "+", "1."]
)
def test_what_yaml_1_1_took_for_something_else_is_text(text: str) -> None:
    assert plain_scalar(text) == (1.0 if text == "1." else text)


def test_a_number_too_long_to_be_a_quantity_stays_text() -> None:
    assert plain_scalar("9" * 5000) == "9" * 5000
