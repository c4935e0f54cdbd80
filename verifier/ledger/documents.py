"""What the ledger reads of a job as it was written, which may be any JSON."""

from collections.abc import Iterator, Mapping
from typing import Any


def stores_asked(document: Mapping[str, Any]) -> dict[str, str]:
    """Of each check the store that it asks: where the effect is, not what is expected."""
    return {
        check["name"]: store
        for check in _checks(document)
        if (store := check.get("store") or _mapping(check.get("right")).get("store"))
    }


def _checks(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    checks = document.get("checks")
    for check in checks if isinstance(checks, list) else ():
        if _mapping(check).get("name"):
            yield check


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
