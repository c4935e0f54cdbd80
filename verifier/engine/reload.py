"""What became of the last attempt to read the configuration again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from verifier.runs.instant import format_instant


class Reload(msgspec.Struct):
    """Of a verifier that serves: since when a newer configuration is refused, and why.

    ``refused_at`` is None where the last one that was read is in use. ``problems`` are
    sentences, as ``landed validate`` gives them, which hold no secret.
    """

    refused_at: datetime | None = None
    problems: tuple[str, ...] = ()

    def refused(self, now: datetime, problems: Sequence[str]) -> None:
        """What was read at ``now`` cannot be used; that from before stays in use."""
        self.refused_at, self.problems = now, tuple(problems)

    def taken(self) -> None:
        """What was read is in use."""
        self.refused_at, self.problems = None, ()

    def document(self) -> dict[str, Any] | None:
        """The refusal, None where there is none."""
        if self.refused_at is None:
            return None
        return {"at": format_instant(self.refused_at), "problems": list(self.problems)}
