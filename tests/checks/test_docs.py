"""docs/checks.md names everything that exists, and its examples are valid."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from verifier.checks.expected import Expected
from verifier.checks.file import Rows
from verifier.checks.ledger import Api, Log
from verifier.checks.question import PARAMETERS
from verifier.checks.reason import UnknownReason
from verifier.checks.registry import CHECK_TYPES, Check
from verifier.checks.stores.registry import AnyStore, StoreConfig

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
EXAMPLES = [YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]


@pytest.mark.parametrize("word", [*UnknownReason, *(f":{name}" for name in PARAMETERS)])
def test_every_reason_and_parameter_is_explained(word):
    assert re.search(rf"^\|[^|]*`{word}`", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    "model", [*CHECK_TYPES.values(), Expected, Log, Api, Rows, *get_args(AnyStore)]
)
def test_every_field_is_explained(model):
    for field in model.model_fields:
        assert re.search(rf"`{field}\b", PAGE), field


@pytest.mark.parametrize("name", CHECK_TYPES)
def test_every_type_has_a_section_and_an_example(name):
    examples = [check["type"] for example in EXAMPLES for check in example.get("checks", [])]

    assert f"\n## {name}\n" in PAGE
    assert name in examples


def test_the_examples_are_valid_and_their_sql_passes_the_lint(monkeypatch):
    monkeypatch.setattr("verifier.checks.python.entry_point", lambda name: name)
    checks = [check for example in EXAMPLES for check in example.get("checks", [])]
    stores = [store for example in EXAMPLES for store in example.get("stores", {}).values()]

    assert len(checks) == 14
    assert {store["type"] for store in stores} == {"sql", "files", "http"}
    for check in checks:
        for query in TypeAdapter(Check).validate_python(check).queries():
            assert query.problem is None
            assert query.parameters <= PARAMETERS.keys()
    for store in stores:
        assert TypeAdapter(StoreConfig).validate_python(store).type == store["type"]


def test_every_link_leads_to_a_section():
    sections = {
        re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= sections
