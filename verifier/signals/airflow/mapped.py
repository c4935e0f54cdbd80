"""A mapped task as a job: all that mapping made of it, in one pass, is one attempt.

Its parts run beside each other and each may be retried; none of them is the work of the
job. So the attempt begins with the first part, ends when every part has, succeeded only
if none failed, and its progress is the number of parts that did.
"""

from collections.abc import Iterator, Sequence

from verifier.runs.signal import Kind, Signal
from verifier.signals.airflow.documents import DagRun, TaskInstance
from verifier.signals.airflow.identity import pass_id
from verifier.signals.airflow.telling import Occasion
from verifier.signals.airflow.tries import in_present_pass

_WELL = frozenset({"success", "skipped"})
_BADLY = frozenset({"failed", "upstream_failed", "removed"})


def mapped_signals(
    parts: Sequence[TaskInstance], run: DagRun, occasion: Occasion
) -> Iterator[Signal]:
    """What the present rows of a mapped task tell of the present pass."""
    if run.started is None:
        return
    attempt = pass_id(run.run_id, run.started)
    begun = [
        each.start_date
        for each in parts
        if each.start_date is not None and each.state != "scheduled" and in_present_pass(each, run)
    ]
    if not begun:
        if run.state == "running":
            yield occasion.waits(run.started, attempt)
        return
    yield occasion.tell(Kind.STARTED, min(begun), attempt)
    done = [each.end_date for each in parts if each.state == "success" and each.end_date]
    if done:
        yield occasion.tell(Kind.PROGRESS, max(done), attempt, done_of=(len(done), len(parts)))
    ended = [each.end_date for each in parts if each.state in _WELL | _BADLY and each.end_date]
    if len(ended) == len(parts):
        failed = any(each.state in _BADLY for each in parts)
        yield occasion.tell(Kind.FAILED if failed else Kind.SUCCEEDED, max(ended), attempt)
