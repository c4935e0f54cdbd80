"""How far an Airflow was read, as it is kept in the ledger between two polls."""

from datetime import datetime

import msgspec

from verifier.signals.airflow.open_attempts import OpenAttempt
from verifier.signals.openlineage.spool import Place


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``updated``: up to when, by Airflow's clock, changes were read.

    ``jobs``: marks of those that were bound then. ``lineage``: the place in the file of its events.
    """

    updated: datetime | None = None
    jobs: list[str] = []
    open: list[OpenAttempt] = []
    lineage: Place | None = None

    def encoded(self) -> str:
        """As text."""
        return msgspec.json.encode(self).decode()


def read_cursor(text: str | None) -> Cursor:
    """The cursor that was kept; a first one where there is none that can be read."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        return Cursor()
