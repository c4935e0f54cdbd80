import msgspec
import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.template import Template, filled


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("orders.csv", "orders.csv"),
        ("{day}/orders-{day:%Y%m%d}.csv", "2026-04-02/orders-20260402.csv"),
        ("{job}/{due:%H%M}.json", "daily-revenue/0000.json"),
        ("{local_start:%H}-{interval_start:%H}", "00-22"),
        ("{{literal}}.csv", "{literal}.csv"),
    ],
)
def test_values_of_the_run_stand_in_a_path(night, text, path):
    assert filled(TypeAdapter(Template).validate_python(text), night) == path


@pytest.mark.parametrize("value", ["a/b", "..", ".", "a\\b", "../../etc"])
def test_no_value_can_change_the_path(night, value):
    with pytest.raises(CannotTell) as caught:
        filled("{partition}/x", msgspec.structs.replace(night, partition=value))
    assert caught.value.reason is UnknownReason.OUT_OF_ROOT


def test_a_run_without_the_value_is_unknown(night):
    with pytest.raises(CannotTell) as caught:
        filled("{partition}", night)
    assert caught.value.reason is UnknownReason.NO_PARTITION


@pytest.mark.parametrize(
    "text", ["{nothing}", "{}", "{0}", "{day!r}", "{day:{job}}", "{day", "}", "{job:%Y}", ""]
)
def test_braces_that_mean_nothing_are_errors(text):
    with pytest.raises(ValidationError):
        TypeAdapter(Template).validate_python(text)
