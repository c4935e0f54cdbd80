"""What a problem may show of a configuration: never a secret, and never much.

Only what was written is ever shown, ``${NAME}`` itself and not what it stands for;
nothing is shown that stands below a key which bears secrets; of an address only its
scheme is, since a password may stand anywhere behind it.
"""

import re
from collections.abc import Iterator
from typing import Any

from verifier.config.problem import Path

MAX_SHOWN = 60

_TELLING = 5  # so many characters of a secret in a row give something away
_LONG_ENOUGH = 6  # shorter ones stand in ordinary words by chance

_SECRET_KEY = re.compile(
    r"(?i).*(passw|passphrase|secret|token|credential|authorization|headers|api_?key|cookie).*"
)
_ADDRESS_KEYS = frozenset({"url", "ledger", "broker", "dsn"})
_ADDRESS = re.compile(r"([a-z0-9]{1,20})(?:\+[a-z0-9]{1,20})?://.*", re.DOTALL)
_SCHEMES = frozenset(
    {"amqp", "duckdb", "file", "http", "https", "mariadb", "mssql", "mysql", "oracle"}
    | {"postgres", "postgresql", "redis", "rediss", "s3", "sqlite"}
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


def bears_secrets(path: Path) -> bool:
    """Whether the value at ``path`` stands at or below a key that bears secrets."""
    return bool(path) and (_is_below_secret(path) or _is_secret_key(path[-1]))


def _is_below_secret(path: Path) -> bool:
    """Below an address there is nothing: what is there is a misplaced part of it."""
    return any(_is_secret_key(key) or key in _ADDRESS_KEYS for key in path[:-1])


def _is_secret_key(key: str | int) -> bool:
    return isinstance(key, str) and _SECRET_KEY.fullmatch(key) is not None


def show_path(path: Path) -> str:
    """``jobs.daily-revenue.checks[0].table``, cut after the first key that bears secrets.

    What stands below such a key may be a secret itself, where a brace or a colon is
    misplaced.
    """
    shown = ""
    for position, key in enumerate(path):
        if isinstance(key, int):
            shown += f"[{key}]"
        else:
            shown += ("." if shown else "") + cut(printable(key))
        if _is_below_secret(path[: position + 2]):
            return f"{shown}.…"
    return shown


def show_key(path: Path) -> str:
    """The last key of ``path`` in quotes, or words for it where it could be a secret."""
    if _is_below_secret(path):
        return "a key that is not shown"
    return f"'{cut(printable(str(path[-1])))}'"


def show_value(value: Any, path: Path) -> str:
    """What was found at ``path``, in at most about 60 characters."""
    if isinstance(value, dict | list):
        return show_type(value)
    if value is None:
        return "nothing"
    if bears_secrets(path):
        return f"{show_type(value)} that is not shown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        address = _ADDRESS.fullmatch(value)
        if address and address[1] in _SCHEMES:
            return f"'{address[1]}://…'"
        is_address = "://" in value or (path and path[-1] in _ADDRESS_KEYS)
        if is_address and not value.startswith("${"):
            return "a text that is not shown, since it may hold a password"
        return f"'{cut(printable(value))}'"
    return cut(str(value))


def show_type(value: Any) -> str:
    """What kind of value was found, without any of it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    return "nothing" if value is None else "a number"


def cut(text: str) -> str:
    """At most ``MAX_SHOWN`` characters of ``text``."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def printable(text: str) -> str:
    """``text`` with every line break and control character made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def without_quotes(text: str) -> str:
    """A parser's own words, without the pieces of the file that it quotes.

    Single characters and the names of tokens (``'<stream end>'``) stay.
    """
    return _QUOTED.sub(
        lambda found: found[0] if len(found[0]) <= 4 or found[0][1] == "<" else "'…'", text
    )


class Hidden:
    """The texts of a document that must not be repeated.

    Those are what references stand for, what stands at keys that bear secrets, and
    addresses that name a user, all without the scheme of an address.
    """

    def __init__(self, written: Any, value: Any) -> None:
        self._texts = dict(_hidden_texts(written, value, ()))
        self._whole = sorted(
            {text for text in self._texts.values() if len(text) >= _LONG_ENOUGH},
            key=len,
            reverse=True,
        )

    def is_told_by(self, text: str, path: Path) -> bool:
        """Whether ``text`` repeats a part of anything hidden at or below ``path``."""
        return any(
            secret[start : start + _TELLING] in text
            for below, secret in self._texts.items()
            if below[: len(path)] == path
            for start in range(max(1, len(secret) - _TELLING + 1))
        )

    def mask(self, text: str) -> str:
        """``text`` without any hidden text that stands in it as a whole."""
        for secret in self._whole:
            text = text.replace(secret, "…")
        return text


def _hidden_texts(written: Any, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(written, dict):
        for key, entry in written.items():
            yield from _hidden_texts(entry, value[key], (*path, key))
    elif isinstance(written, list):
        for index, item in enumerate(written):
            yield from _hidden_texts(item, value[index], (*path, index))
    elif isinstance(value, str):
        with_user = "://" in value and "@" in value
        if value and (value != written or with_user or bears_secrets(path)):
            yield path, value.partition("://")[2] or value
