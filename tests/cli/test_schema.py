from collections.abc import Callable
from typing import Any

Landed = Callable[..., Any]


def test_the_schema_is_one_json_document(landed: Landed) -> None:
    for words in (["schema"], ["schema", "--json"]):
        told = landed(*words)
        assert told.code == 0
        assert told.json["title"] == "landed.yaml"
        assert "jobs" in told.json["properties"]
