"""Attempts that began beside another although the job's policy forbids it."""

from collections.abc import Sequence
from datetime import datetime

from verifier.runs.attempt import Attempt
from verifier.runs.conditions import at_work
from verifier.runs.declaration import Declaration, Overlap


def violations(
    own: Sequence[Attempt], others: Sequence[Attempt], declaration: Declaration, now: datetime
) -> int:
    """How many of ``own``, the attempts of one run, began while another was at work.

    ``others`` are attempts of other runs of the job. Of two that overlap the later one
    counts, so each clash counts once.
    """
    if declaration.overlap is Overlap.ALLOW:
        return 0
    heard = [each for each in (*own, *others) if each.heard is not None]
    return sum(
        any(_began_beside(each, other, declaration, now) for other in heard if other is not each)
        for each in own
        if each.heard is not None
    )


def _began_beside(
    later: Attempt, earlier: Attempt, declaration: Declaration, now: datetime
) -> bool:
    serial = declaration.overlap is Overlap.SERIALIZE
    if serial and not _share_a_partition(later, earlier):
        return False
    begun, _ = at_work(later, declaration, now)
    began, until = at_work(earlier, declaration, now)
    return (began, earlier.attempt) < (begun, later.attempt) and begun < until


def _share_a_partition(a: Attempt, b: Attempt) -> bool:
    """An attempt without a partition covers all of them."""
    return a.partition is None or b.partition is None or a.partition.value == b.partition.value
