"""The spool of this host: what wrappers wrote down and could not deliver yet."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from verifier.exec import landed_exec
from verifier.intake.receipt import Receipt

Receive = Callable[[Sequence[bytes | msgspec.Raw], str], Receipt]
"""Takes JSON items and the name of their source; answers when they are durable."""

SOURCE = "spool"


def sweep_spool(directory: str, receive: Receive) -> int:
    """Take everything that waits in ``directory``; how many signals were new to us.

    Safe beside wrappers that write and couriers that deliver. What is refused for
    good is kept aside there, what may be taken later stays. Raises what ``receive``
    raises; what was taken before is remembered.
    """
    if not Path(directory).is_dir():
        return 0
    accepted = 0

    def send(signals: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        nonlocal accepted
        receipt = receive([msgspec.json.encode(signal) for signal in signals], SOURCE)
        accepted += receipt.accepted
        return [msgspec.to_builtins(rejection) for rejection in receipt.rejected]

    landed_exec.deliver(directory, send)
    return accepted
