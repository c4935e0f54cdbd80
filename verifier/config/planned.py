"""Features that are planned and do not work yet: refused by name, never ignored."""

from collections.abc import Iterator
from typing import Any

from verifier.checks.registry import NOT_YET
from verifier.config.codes import Code
from verifier.config.problem import Path
from verifier.config.reporter import Reporter

_STORES = ("files", "http")


def refuse_planned(content: dict[str, Any], reporter: Reporter) -> set[Path]:
    """Report what ``content`` uses of them; the paths are not to be judged any further."""
    paths: set[Path] = set()
    for path, what, hint in _planned(content):
        message = f"expected what works by now, found {what}"
        hint = f"not yet supported; {hint}"
        reporter.error(Code.NOT_YET, path, message, hint, at_key=path[-1] != "type")
        paths.add(path[:2] if path[0] == "stores" else path)
    return paths


def without(content: Any, paths: set[Path], path: Path = ()) -> Any:
    """``content`` without the entries of mappings at ``paths``."""
    if isinstance(content, dict):
        return {
            key: without(value, paths, (*path, key))
            for key, value in content.items()
            if (*path, key) not in paths
        }
    return content


def _planned(content: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    for name, store in _entries(content.get("stores")).items():
        kind = store.get("type") if isinstance(store, dict) else None
        if kind in _STORES:
            yield ("stores", name, "type"), f"a store of type {kind}", "use type: sql"
    for name, job in _entries(content.get("jobs")).items():
        yield from _of_job(("jobs", name), _entries(job))


def _of_job(path: Path, job: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    checks = job.get("checks")
    for index, check in enumerate(checks if isinstance(checks, list) else ()):
        kind = check.get("type") if isinstance(check, dict) else None
        if kind in NOT_YET:
            yield (*path, "checks", index, "type"), f"a check of type {kind}", "leave it out"


def _entries(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
