"""The JSON Schema of ``landed.yaml``, for editors: completion, hints, early errors."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Union

from pydantic import Field, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import ModelSchema

from verifier.checks.model import Name
from verifier.config.field_texts import field_texts
from verifier.config.file import Address, ConfigFile
from verifier.config.job import JobModel
from verifier.config.model import Model
from verifier.config.source import SourceKind, source_kinds
from verifier.runs.duration import format_duration

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LINE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the whole file.

    It knows the shape alone; ``landed validate`` knows what values mean together.
    """
    generated = _with_sources(source_kinds()).model_json_schema(
        by_alias=True, schema_generator=_AsWritten
    )
    tidy: dict[str, Any] = _tidy(generated)
    return {"$schema": DIALECT, **tidy, "title": "landed.yaml"}


def _with_sources(kinds: Mapping[str, type[SourceKind]]) -> type[ConfigFile]:
    """The file with what sources and what binds a job to one may be, by the types there are."""
    if not kinds:
        return ConfigFile
    # Unions that are made here: which types there are is known once the program runs.
    source: Any = Union[tuple(kind.model for kind in kinds.values())]  # noqa: UP007
    binding: Any = Union[tuple(kind.binding for kind in kinds.values())]  # noqa: UP007
    job = create_model(
        "JobModel",
        __base__=JobModel,
        __doc__=JobModel.__doc__,
        scheduler=(binding | None, None),
    )
    return create_model(
        "ConfigFile",
        __base__=ConfigFile,
        __doc__=ConfigFile.__doc__,
        sources=(dict[Name, source], Field(default_factory=dict)),
        jobs=dict[Name, job],
    )


class _AsWritten(GenerateJsonSchema):
    """Gives defaults as they are written in YAML, no titles made from names, and field texts."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return format_duration(dft)
        if isinstance(dft, Address):
            return f"{dft.host}:{dft.port}"
        return super().encode_default(dft)

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        """Says of each key what stands below its field."""
        made, model = super().model_schema(schema), schema["cls"]
        if issubclass(model, Model):
            texts = field_texts(model)
            for name, field in model.model_fields.items():
                if name in texts:
                    made["properties"][field.alias or name]["description"] = texts[name]
        return made

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        """A mapping whose keys have a pattern allows no others."""
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made


def _tidy(node: Any) -> Any:
    """``node`` with its texts on one line, and without defaults that say nothing."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {
        key: _tidy(value)
        for key, value in node.items()
        if not (key == "default" and (value is None or isinstance(value, dict)))
    }
    if isinstance(tidy.get("description"), str):
        tidy["description"] = _LINE_BREAK.sub(" ", tidy["description"])
    return tidy
