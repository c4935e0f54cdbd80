"""A manifest: the list of files that a run was to write."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from verifier.checks.reason import CannotTell, UnknownReason

_SUM = re.compile(r"(?P<sha256>[0-9a-f]{64})[ \t]+\*?(?P<name>.+)", re.IGNORECASE)
"""A line as ``sha256sum`` writes it."""


class Listed(msgspec.Struct, frozen=True):
    """One file as the manifest lists it; what it does not say is None."""

    name: str
    size: int | None = None
    sha256: str | None = None


def read_manifest(text: str) -> dict[str, Listed]:
    """The files of a manifest by their names.

    It is a JSON list of names, or of mappings with ``name``, ``size`` and ``sha256``,
    alone or under ``files``; or text, a name a line, or as ``sha256sum`` writes it.
    Raises ``CannotTell`` where it is neither.
    """
    start = text.lstrip()[:1]
    listed = list(_of_json(text) if start in ("[", "{") else _of_lines(text))
    for each in listed:
        if not each.name or each.name in (".", "..") or "/" in each.name:
            raise CannotTell(
                UnknownReason.WRONG_SHAPE, "expected names of files in one folder in the manifest"
            )
    return {each.name: each for each in listed}


def _of_lines(text: str) -> Iterator[Listed]:
    for line in text.splitlines():
        if not line.strip():
            continue
        found = _SUM.fullmatch(line.strip())
        if found:
            yield Listed(found["name"].removeprefix("./"), None, found["sha256"].lower())
        else:
            yield Listed(line.strip())


def _of_json(text: str) -> Iterator[Listed]:
    try:
        document: Any = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        raise CannotTell(UnknownReason.WRONG_SHAPE, "the manifest is broken JSON") from None
    entries = document.get("files") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise CannotTell(UnknownReason.WRONG_SHAPE, "expected a list of files in the manifest")
    for entry in entries:
        yield Listed(entry) if isinstance(entry, str) else _of_mapping(entry)


def _of_mapping(entry: Any) -> Listed:
    if isinstance(entry, Mapping):
        name, size, sha256 = entry.get("name"), entry.get("size"), entry.get("sha256")
        if (
            isinstance(name, str)
            and (size is None or (isinstance(size, int) and not isinstance(size, bool)))
            and (sha256 is None or isinstance(sha256, str))
        ):
            return Listed(name, size, sha256 and sha256.lower())
    raise CannotTell(UnknownReason.WRONG_SHAPE, "expected name, size, sha256 in the manifest")
