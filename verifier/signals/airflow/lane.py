"""Which occurrence a DAG run answers for, and why a pass of it was made."""

from datetime import datetime

from verifier.runs.declaration import History
from verifier.runs.signal import Lane
from verifier.runs.slots import bind

BACKFILL = "backfill"
MANUAL = "manual"


def due_of(
    *,
    run_type: str,
    logical_date: datetime | None,
    data_interval_end: datetime | None,
    run_after: datetime,
    history: History,
) -> datetime | None:
    """The due instant of a DAG run: the end of its data interval, which is when it may run.

    That holds for timetables with an interval and for those that trigger at an instant,
    and it stays as it is through clears and backfills. A run triggered by an asset has
    none: it answers for the slot in which it became ready. None for one that was
    triggered by hand without a logical date.
    """
    if logical_date is not None:
        return data_interval_end or logical_date
    if run_type == MANUAL:
        return None
    try:
        return bind(history.at(run_after).schedule, run_after)
    except ValueError:
        return None


def lane_of(run_type: str, due: datetime | None, *, again: bool) -> Lane:
    """The lane of one pass; ``again``: the DAG run had a pass before.

    The run id tells nothing: a reprocess keeps ``scheduled__…``. Its type, once
    ``backfill``, stays so, and what is cleared after that is history made on purpose too.
    """
    if due is None:
        return Lane.MANUAL
    if run_type == BACKFILL:
        return Lane.BACKFILL
    if again:
        return Lane.RERUN
    return Lane.MANUAL if run_type == MANUAL else Lane.LIVE
