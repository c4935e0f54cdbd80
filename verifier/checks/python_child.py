"""The process of its own in which a check of type ``python`` runs: started, never imported.

The question comes by the standard input; the answer goes by a pipe whose number is the
first argument, so that whatever the function prints is in nobody's way.
"""

import os
import sys
from typing import Any

import msgspec

from verifier.checks.entry_points import entry_point
from verifier.checks.question import Question


class Call(msgspec.Struct, frozen=True):
    """What the process is asked to do."""

    name: str
    question: Question
    args: dict[str, Any]


def main() -> None:
    """Calls the function, and writes what it says; a failure is the name of its class."""
    pipe = int(sys.argv[1])
    call = msgspec.json.decode(sys.stdin.buffer.read(), type=Call)
    os.dup2(2, 1)
    try:
        said = {"said": entry_point(call.name).load()(call.question, **call.args)}
        written = msgspec.json.encode(said)
    except Exception as error:
        # The class alone: a message may hold values, and so secrets.
        written = msgspec.json.encode({"raised": type(error).__name__})
    with os.fdopen(pipe, "wb") as answer:
        answer.write(written)


if __name__ == "__main__":
    main()
