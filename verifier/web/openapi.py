"""``/openapi.json``: the API in OpenAPI 3.1, made from the table of endpoints."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from verifier.web.access import Right
from verifier.web.endpoint import Endpoint
from verifier.web.problems import MEDIA_TYPE, ProblemKind
from verifier.web.shapes import ProblemDetails, Shape

_REFERENCE = "#/components/schemas/{name}"
_SECURITY: Mapping[Right, list[dict[str, list[str]]]] = {
    Right.OPEN: [],
    Right.USE: [{}, {"ingest": []}, {"operate": []}],
    Right.OPERATE: [{"operate": []}],
}
_EVERYWHERE = (ProblemKind.WRONG_HOST, ProblemKind.INTERNAL)
_WITH_TOKENS = (ProblemKind.UNAUTHORIZED, ProblemKind.BUSY, ProblemKind.UNAVAILABLE)


def openapi_document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document; ``endpoints`` are all that are served."""
    table = list(endpoints)
    types = _types_of(table)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    for shape in Shape.__subclasses__():
        # Who reads an answer has to bear with fields that a later version adds.
        components.get(shape.__name__, {}).pop("additionalProperties", None)
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in table:
        operation = _operation(endpoint, by_type)
        if endpoint.query is not None:
            # Each field is a parameter of its own, so the whole is no schema of the API.
            operation["parameters"] += _query(components.pop(endpoint.query.__name__))
        paths.setdefault(endpoint.public_path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "landed",
            "version": version("landed"),
            "summary": "Verifies that scheduled work was done, not only started.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "ingest": _bearer("An ingest token; needed beyond loopback or where one is set."),
                "operate": _bearer("An operate token, of the configuration or beside the ledger."),
            },
        },
    }


def _bearer(about: str) -> dict[str, str]:
    return {"type": "http", "scheme": "bearer", "description": about}


def _types_of(table: Iterable[Endpoint]) -> list[Any]:
    given = [endpoint.gives for endpoint in table if endpoint.gives is not None]
    taken = [each for endpoint in table for each in (endpoint.takes or {}).values()]
    asked = [endpoint.query for endpoint in table if endpoint.query is not None]
    return list(dict.fromkeys([ProblemDetails, *given, *taken, *asked]))


def _operation(endpoint: Endpoint, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.answer.__name__,
        "summary": endpoint.summary,
        "security": _SECURITY[endpoint.right],
        "parameters": _path_parameters(endpoint),
        "responses": {
            "200": {"description": "OK", "content": _content(endpoint, schemas)},
            **_problems(endpoint, schemas),
        },
    }
    if endpoint.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {media: {"schema": schemas[each]} for media, each in endpoint.takes.items()},
        }
    return operation


def _content(endpoint: Endpoint, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    schema = {"type": "string"} if endpoint.gives is None else schemas[endpoint.gives]
    return {endpoint.gives_type: {"schema": schema}}


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", endpoint.public_path)
    ]


def _query(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "schema": _of_text(schema)}
        for name, schema in model["properties"].items()
    ]


def _of_text(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter: left out where there is none, never null."""
    said = next((each for each in schema.get("anyOf", ()) if each != {"type": "null"}), schema)
    return {key: value for key, value in said.items() if value is not None}


def _problems(endpoint: Endpoint, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    kinds = {*_EVERYWHERE, *endpoint.problems}
    if endpoint.right is not Right.OPEN:
        kinds |= set(_WITH_TOKENS)
    if endpoint.right is Right.OPERATE:
        kinds.add(ProblemKind.FORBIDDEN)
    titles: dict[int, list[str]] = {}
    for kind in sorted(kinds, key=lambda each: each.code):
        titles.setdefault(kind.status, []).append(kind.title)
    return {
        str(status): {
            "description": " · ".join(titles[status]),
            "content": {MEDIA_TYPE: {"schema": schemas[ProblemDetails]}},
        }
        for status in sorted(titles)
    }
