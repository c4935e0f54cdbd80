import re

from verifier.checks.question import PARAMETERS
from verifier.checks.registry import CHECK_TYPES
from verifier.config.codes import Code
from verifier.config.reference import errors, landed_yaml
from verifier.config.schema import schema
from verifier.runs.declaration import JobClass


def test_every_key_of_every_mapping_is_in_the_reference(plugin: object) -> None:
    whole = schema()
    models = [whole, *whole["$defs"].values()]
    keys = {key for model in models for key in model.get("properties", {})}
    assert keys <= set(re.findall(r"^\| `([a-z_]+)` \|", landed_yaml(), re.MULTILINE))


def test_every_check_class_and_parameter_has_its_place() -> None:
    text = landed_yaml()
    assert all(f"`type: {name}`" in text for name in CHECK_TYPES)
    assert all(f"| `{name}` |" in text for name in JobClass)
    assert all(f"| `:{name}` |" in text for name in PARAMETERS)


def test_values_are_told_in_words() -> None:
    text = landed_yaml()
    assert "| `schedule` | mapping, see below | **required** |" in text
    assert "| `recheck` | list of: duration |" in text
    assert "| `since` | date or instant |" in text
    assert "| `severity` | `page`, `ticket`, `none` | `ticket` |" in text
    assert "| `resumable` | `true`, `false` | `false` |" in text
    assert "| `holidays` | list of: date |" in text
    assert "| `between` | list of: whole number |" in text
    assert "| `jobs` | by name: mapping, see below | **required** |" in text
    assert "| `min` | whole number |" in text
    assert "| `within_abs` | number or text |" in text


def test_every_table_has_rows_of_one_width() -> None:
    for text in (landed_yaml(), errors()):
        width = 0
        for line in text.splitlines():
            columns = len(re.findall(r"(?<!\\)\|", line))
            if columns:
                assert width in (0, columns), line
            width = columns


def test_every_code_is_explained() -> None:
    text = errors()
    assert all(f"| `{code.value}` |" in text for code in Code)
