"""The reference pages of ``landed.yaml``, made from the models, so that they cannot drift."""

from collections.abc import Iterator
from typing import Any

from verifier.checks.question import PARAMETERS
from verifier.checks.registry import CHECK_TYPES
from verifier.config.codes import Code
from verifier.config.preset import PRESETS
from verifier.config.schema import schema
from verifier.config.source import source_kinds

_SECTIONS = {
    "Defaults": "defaults",
    "Tokens": "tokens",
    "Retention": "retention",
    "SqlStoreConfig": "stores.NAME` of type `sql",
    "FilesStoreConfig": "stores.NAME` of type `files",
    "HttpStoreConfig": "stores.NAME` of type `http",
    "JobModel": "jobs.NAME",
    "ScheduleModel": "jobs.NAME.schedule",
    "Calendar": "jobs.NAME.schedule.calendar",
    "CoversModel": "jobs.NAME.covers",
    "SurfaceModel": "jobs.NAME.surfaces[]",
    "RetryModel": "jobs.NAME.retry",
    "GuardModel": "jobs.NAME.guard",
}
"""The models in reading order, each with the path of its mapping in the file."""

_PARTS = {
    "Expected": "expected",
    "Ready": "expected.ready",
    "Side": "left` and `right",
    "Log": "log",
    "Api": "api",
    "Bounds": "size",
    "Rows": "rows",
    "Checksum": "checksum",
}
"""The parts of checks, each with its key."""

_FORMATS = {"date": "date", "date-time": "instant"}


def landed_yaml() -> str:
    """The reference of every key, as Markdown."""
    whole = schema()
    models: dict[str, Any] = whole["$defs"]
    lines = [
        "# landed.yaml",
        "",
        "YAML 1.2, one document, at most 1 MiB. Every key that is not listed here is an error. "
        "What `landed validate` tells of it is in [errors](errors.md).",
        "",
        "Texts may hold `${NAME}`, an environment variable, and `${file:/run/secrets/x}`, the "
        "text of a file; `$${` stands for `${`. They are replaced after the YAML was read. "
        "Durations are written as `90s`, `5m`, `1h30m` or `7d`.",
        "",
        *_table("## The file", whole, models),
    ]
    for model, path in _SECTIONS.items():
        lines += _table(f"## `{path}`", models[model], models)
    lines += _sources(models)
    lines += _classes()
    lines += _checks(models)
    lines += _parameters()
    return "\n".join(lines).rstrip() + "\n"


def check_page(name: str) -> str:
    """The reference of one type of check, as Markdown: its keys, and those of its parts."""
    models: dict[str, Any] = schema()["$defs"]
    model = models[CHECK_TYPES[name].__name__]
    lines = [*_table(f"# Checks of type `{name}`", model, models)]
    for part in _parts_of(model, models):
        lines += _table(f"## `{_PARTS[part]}`", models[part], models)
    lines += [f"What it is for, with examples: [checks](../../checks.md#{name})."]
    return "\n".join(lines).rstrip() + "\n"


def _parts_of(model: dict[str, Any], models: dict[str, Any]) -> list[str]:
    """The parts that stand in a model, directly or in one of its parts, in reading order."""
    text = repr(model)
    named = {part for part in _PARTS if f"#/$defs/{part}'" in text}
    while True:
        deeper = {part for part in _PARTS for each in named if f"/{part}'" in repr(models[each])}
        if deeper <= named:
            return [part for part in _PARTS if part in named]
        named |= deeper


def errors() -> str:
    """The reference of every code of a problem, as Markdown."""
    lines = [
        "# Errors of landed.yaml",
        "",
        "Each problem is told as `file:line:column CODE path: expected …, found …. Hint: …`, and "
        "as many in one go as can be told: text that is no YAML hides what comes after it, and "
        "where a key or a value of a job, a store, a source or the top of the file is wrong by "
        "itself, what the values there mean together is only told when that is mended. "
        "A code never changes its meaning.",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| `{code.value}` | {_cell(code.meaning)} |" for code in Code),
    ]
    return "\n".join(lines) + "\n"


def _table(heading: str, model: dict[str, Any], models: dict[str, Any]) -> Iterator[str]:
    yield heading
    yield ""
    yield model["description"]
    yield ""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    required = model.get("required", ())
    for key, field in model["properties"].items():
        default = "**required**" if key in required else _default(field)
        meaning = field.get("description") or _target(field, models).get("description", "")
        value = _cell(_value(field, models))
        yield f"| `{key}` | {value} | {default} | {_cell(meaning)} |"
    yield ""


def _sources(models: dict[str, Any]) -> Iterator[str]:
    yield "## Sources"
    yield ""
    yield "Under `sources`, by name; each `type` has keys of its own, and so has what binds a job."
    yield ""
    for word, kind in source_kinds().items():
        yield from _table(f"### `type: {word}`", models[kind.model.__name__], models)
        heading = f"### `scheduler` of a job whose source is of `type: {word}`"
        yield from _table(heading, models[kind.binding.__name__], models)


def _classes() -> Iterator[str]:
    yield "## Classes"
    yield ""
    yield "What `class` stands for. A job's own `overlap`, `retry` and `effects` win over it."
    yield ""
    yield "| class | overlap | retry.auto | effects | for |"
    yield "|---|---|---|---|---|"
    for name, preset in PRESETS.items():
        effects = f"`{preset.effects}`" if preset.effects else "to be said"
        yield (
            f"| `{name}` | `{preset.overlap}` | `{preset.auto_retry}` | {effects} "
            f"| {_cell(preset.why)} |"
        )
    yield ""


def _checks(models: dict[str, Any]) -> Iterator[str]:
    yield "## Checks"
    yield ""
    for name, model in CHECK_TYPES.items():
        yield from _table(f"### `type: {name}`", models[model.__name__], models)
    for part, key in _PARTS.items():
        yield from _table(f"### `{key}` of a check", models[part], models)


def _parameters() -> Iterator[str]:
    yield "## Parameters of SQL"
    yield ""
    yield "Bound as values, never pasted into the text."
    yield ""
    yield "| parameter | stands for |"
    yield "|---|---|"
    for name, meaning in PARAMETERS.items():
        yield f"| `:{name}` | {_cell(meaning)} |"
    yield ""


def _target(field: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    """What ``field`` refers to, or itself."""
    name = field.get("$ref", "").rpartition("/")[2]
    target: dict[str, Any] = models[name] if name else field
    return target


def _value(field: dict[str, Any], models: dict[str, Any]) -> str:
    """What may stand in ``field``, in words."""
    for union in ("anyOf", "oneOf"):
        if union in field:
            branches = [each for each in field[union] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(_value(each, models) for each in branches))
    target = _target(field, models)
    if "const" in target:
        return f"`{target['const']}`"
    if "enum" in target:
        return ", ".join(f"`{word}`" for word in target["enum"])
    match target.get("type"):
        case "array":
            items = target.get("items") or target["prefixItems"][0]
            return f"list of: {_value(items, models)}"
        case "string" if "(ms|d|h|m|s)" in target.get("pattern", ""):
            return "duration"
        case "string":
            return _FORMATS.get(target.get("format", ""), "text")
        case "object" if "patternProperties" in target:
            inner = next(iter(target["patternProperties"].values()))
            return f"by name: {_value(inner, models)}"
        case "integer":
            return "whole number"
        case "boolean":
            return "`true`, `false`"
        case "number":
            return "number"
    return "mapping, see below"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default == []:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _cell(text: str) -> str:
    """``text`` for one cell of a table."""
    return " ".join(text.replace("|", "\\|").split())
