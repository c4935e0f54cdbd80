"""What the ledger reads of a job as it was written, which may be any JSON."""

from collections.abc import Iterator, Mapping
from typing import Any


def stores_asked(document: Mapping[str, Any]) -> dict[str, str]:
    """Of each check the store that it asks: where the effect is, not what is expected."""
    return {check["name"]: store for check in _checks(document) if (store := _store_of(check))}


def _store_of(check: Mapping[str, Any]) -> str | None:
    parts = (check, *(_mapping(check.get(word)) for word in ("right", "log", "api")))
    return next((part["store"] for part in parts if part.get("store")), None)


def _checks(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    checks = document.get("checks")
    for check in checks if isinstance(checks, list) else ():
        if _mapping(check).get("name"):
            yield check


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
