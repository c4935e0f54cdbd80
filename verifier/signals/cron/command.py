"""Commands: as a crontab has them, and as cron logs them."""

import re

_WRAPPER = re.compile(r"(?:^|[\s/;&|(])(?:landed-exec|landed_exec\.pyc?|landed\s+exec)(?:\s|$)")


def as_logged(command: str) -> str:
    r"""What cron logs of a command that stands in a crontab.

    The first ``%`` without a backslash ends it (what follows is its input), ``\%``
    and ``\\`` stand for the second character, and bytes that are not printable
    ASCII are written as ``^X`` or in octal.
    """
    kept: list[str] = []
    escaped = False
    for character in command:
        if escaped:
            if character in "%\\":
                kept.pop()
            escaped = False
        elif character == "%":
            break
        else:
            escaped = character == "\\"
        kept.append(character)
    return "".join(map(_printable, "".join(kept).encode())).strip()


def _printable(byte: int) -> str:
    if byte < 0x20:
        return "^" + chr(byte + 0x40)
    if byte < 0x7F:
        return chr(byte)
    return "^?" if byte == 0x7F else f"\\{byte:03o}"


def is_wrapped(command: str) -> bool:
    """Whether the command runs under our wrapper, which tells of it by itself."""
    return _WRAPPER.search(command) is not None
