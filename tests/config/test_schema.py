import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from verifier.config.document import read_document
from verifier.config.file import ConfigFile
from verifier.config.keys import fields_of
from verifier.config.schema import DIALECT, schema

EXAMPLE = Path(__file__).parents[2] / "checks" / "example.yaml"


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """The schema where no types of source are installed but ours."""
    return schema()


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def test_the_schema_is_json_and_says_which_dialect_it_is(whole: dict[str, Any]) -> None:
    whole = json.loads(json.dumps(whole))
    assert whole["$schema"] == DIALECT
    assert whole["required"] == ["version", "jobs"]
    assert set(whole["properties"]) == {key for key, _ in fields_of(ConfigFile)}


def test_every_reference_leads_to_a_definition(whole: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(whole) if isinstance(node.get("$ref"), str)}
    assert references
    assert {each.rpartition("/")[2] for each in references} == set(whole["$defs"])


def test_no_mapping_takes_a_key_that_is_not_declared(plugin: Path) -> None:
    whole = schema()
    for node in (whole, *nodes(whole["$defs"])):
        if node.get("type") == "object":
            assert node["additionalProperties"] is False


def test_keys_are_those_of_yaml(whole: dict[str, Any]) -> None:
    job = whole["$defs"]["JobModel"]["properties"]
    assert "class" in job
    assert "job_class" not in job
    assert whole["$defs"]["ScheduleModel"]["properties"]["on"]["default"] == "every-day"


def test_defaults_are_written_as_in_yaml(whole: dict[str, Any]) -> None:
    fields = whole["properties"]
    assert fields["startup_grace"]["default"] == "1m"
    assert fields["listen"]["default"] == "127.0.0.1:9877"


def test_every_key_is_explained(whole: dict[str, Any]) -> None:
    models = [whole, *whole["$defs"].values()]
    unexplained = {
        key
        for model in models
        for key, field in model.get("properties", {}).items()
        if "description" not in field and "$ref" not in field and "const" not in field
    }
    assert unexplained == set()


def test_what_works_is_offered(whole: dict[str, Any]) -> None:
    text = json.dumps(whole)
    for word in ("scope", "partitions", "freshness", "python", "files"):
        assert f'"{word}"' in text


def test_each_type_of_source_has_its_keys_and_what_binds_a_job(plugin: Path) -> None:
    whole = schema()
    source = whole["properties"]["sources"]["patternProperties"].values()
    assert "#/$defs/LinesModel" in json.dumps(list(source))
    assert "#/$defs/LinesBinding" in json.dumps(whole["$defs"]["JobModel"]["properties"])
    assert set(whole["$defs"]["LinesModel"]["properties"]) == {"type", "path", "every"}
    assert whole["$defs"]["LinesModel"]["properties"]["every"]["default"] == "1s"


def test_patterns_are_regular_expressions(whole: dict[str, Any]) -> None:
    patterns = {node["pattern"] for node in nodes(whole) if isinstance(node.get("pattern"), str)}
    assert patterns
    for pattern in patterns:
        assert re.compile(pattern)


def test_the_example_has_the_shape_of_the_schema(whole: dict[str, Any]) -> None:
    document, problems = read_document(EXAMPLE.read_text(), "example.yaml")
    assert problems == []
    assert document is not None
    faults = list(_faults(document.content, whole, whole["$defs"], "$"))
    assert faults == []


def test_a_fault_of_the_example_would_be_seen(whole: dict[str, Any]) -> None:
    document, _ = read_document(EXAMPLE.read_text(), "example.yaml")
    assert document is not None
    content = document.content
    content["jobs"]["daily-revenue"]["overlap"] = "sometimes"
    content["jobs"]["payouts"]["sevrity"] = "page"
    del content["jobs"]["tenant-health"]["statement"]
    faults = list(_faults(content, whole, whole["$defs"], "$"))
    assert [fault.split(":")[0] for fault in faults] == [
        "$.jobs.daily-revenue.overlap",
        "$.jobs.tenant-health",
        "$.jobs.payouts.sevrity",
    ]


def _faults(value: Any, node: dict[str, Any], models: dict[str, Any], at: str) -> Iterator[str]:
    """What keeps ``value`` from having the shape of ``node``: the keywords that are used."""
    if "$ref" in node:
        yield from _faults(value, models[node["$ref"].rpartition("/")[2]], models, at)
    for union in ("anyOf", "oneOf"):
        if union in node:
            branches = [list(_faults(value, each, models, at)) for each in node[union]]
            if all(branches):
                yield f"{at}: no branch of {union}: {branches}"
    for part in node.get("allOf", ()):
        yield from _faults(value, part, models, at)
    if "if" in node:
        holds = not list(_faults(value, node["if"], models, at))
        yield from _faults(value, node.get("then" if holds else "else", {}), models, at)
    if "const" in node and value != node["const"]:
        yield f"{at}: not {node['const']!r}"
    if "enum" in node and value not in node["enum"]:
        yield f"{at}: none of {node['enum']}"
    if "type" in node and not _has_type(value, node["type"]):
        yield f"{at}: no {node['type']}"
        return
    if "pattern" in node and not re.search(node["pattern"], value):
        yield f"{at}: does not match {node['pattern']}"
    if isinstance(value, dict):
        yield from _faults_of_mapping(value, node, models, at)
    if isinstance(value, list) and "items" in node:
        for index, item in enumerate(value):
            yield from _faults(item, node["items"], models, f"{at}[{index}]")


def _faults_of_mapping(
    value: dict[str, Any], node: dict[str, Any], models: dict[str, Any], at: str
) -> Iterator[str]:
    for key in node.get("required", ()):
        if key not in value:
            yield f"{at}: lacks {key}"
    known = node.get("properties", {})
    patterns = node.get("patternProperties", {})
    for key, entry in value.items():
        below = [known[key]] if key in known else []
        below += [each for pattern, each in patterns.items() if re.search(pattern, key)]
        if not below and node.get("additionalProperties") is False:
            yield f"{at}.{key}: unknown"
        for each in below:
            yield from _faults(entry, each, models, f"{at}.{key}")


def _has_type(value: Any, name: str) -> bool:
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    types: dict[str, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    return isinstance(value, types[name])
