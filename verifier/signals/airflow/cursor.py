"""How far an Airflow was read, as it is kept in the ledger between two polls."""

from datetime import datetime

import msgspec

from verifier.signals.airflow.open_attempts import OpenAttempt
from verifier.signals.openlineage.spool import Place


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``updated``: up to when, by Airflow's clock, changes were read.

    ``url``: of which Airflow, empty in a cursor that tells none. ``jobs``: marks of those that
    were bound then. ``lineage``: the place in the file of its events.
    """

    url: str = ""
    updated: datetime | None = None
    jobs: list[str] = []
    open: list[OpenAttempt] = []
    lineage: Place | None = None

    def of(self, url: str) -> "Cursor":
        """The cursor for the Airflow at ``url``: another one is read from its beginning.

        How far another Airflow was read says nothing of what this one did meanwhile.
        """
        if self.url in ("", url):
            return msgspec.structs.replace(self, url=url)
        return Cursor(url=url, lineage=self.lineage)

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
