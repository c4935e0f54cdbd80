"""Scalars of YAML that every reader takes for the text that they are."""

from collections.abc import Iterator

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_SURROGATES = range(0xD800, 0xE000)


def quoted(text: str) -> str:
    """``text`` in double quotes, in ASCII; what is no character becomes U+FFFD."""
    return f'"{"".join(map(_escaped, text))}"'


def block(indent: int, key: str, text: str) -> Iterator[str]:
    """``key`` with lines of plain text as they are; they must not start with a space."""
    lines = text.splitlines()
    if len(lines) == 1:
        yield f"{' ' * (indent - 2)}{key}: {quoted(text) if _needs_quotes(text) else text}"
        return
    yield f"{' ' * (indent - 2)}{key}: |-"
    for line in lines:
        yield f"{' ' * indent}{line}"


def _needs_quotes(text: str) -> bool:
    return any(mark in text for mark in (": ", " #")) or text[0] in "\"'{[>|*&!%@`-?"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii() and character.isprintable():
        return character
    code = ord(character)
    if code in _SURROGATES:
        code = 0xFFFD
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
