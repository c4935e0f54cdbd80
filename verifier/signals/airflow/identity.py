"""What attempts and signals of Airflow are called, whoever tells of them.

REST and OpenLineage both have all that a name is made of, so that the same attempt
told by both is one attempt.
"""

from datetime import datetime
from hashlib import blake2b

from verifier.runs.instant import format_instant
from verifier.runs.signal import ANONYMOUS, Kind

REST = "rest"
LINEAGE = "lineage"
"""Who tells: their signals differ, their attempts do not."""

_LONGEST = 150
"""Characters of a run id that are kept; an attempt's id has 200 at most."""


def pass_id(run_id: str, started: datetime) -> str:
    """One pass of a DAG run: the first, or a clear or reprocess of it.

    The start is the one thing that all tellers know and that each pass has anew.
    """
    return f"{_short(run_id)}@{format_instant(started)}"


def waiting_pass_id(run_id: str, queued: datetime) -> str:
    """A pass of which only the place in the queue is known yet."""
    return f"{_short(run_id)}@queued:{format_instant(queued)}"


def try_id(run_id: str, try_number: int) -> str:
    """One try of an unmapped task."""
    return f"{_short(run_id)}#{try_number}"


def signal_id(teller: str, attempt: str, kind: Kind, at: datetime, *more: object) -> str:
    """The same for the same thing said again, and another where it is said differently."""
    said = "\0".join(map(str, (attempt, kind, format_instant(at), *more))).encode()
    return f"airflow-{teller}/{blake2b(said, digest_size=16).hexdigest()}"


def _short(run_id: str) -> str:
    if run_id.startswith(ANONYMOUS):
        run_id = f"_{run_id}"
    if len(run_id) <= _LONGEST:
        return run_id
    return f"{run_id[:100]}…{blake2b(run_id.encode(), digest_size=12).hexdigest()}"
