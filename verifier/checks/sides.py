"""The one place that decides how the keys of two sides are compared.

Few keys are held in memory and compared one by one. Where there are many, and both
stores take digests of keys, the sides are compared by sketches first.
"""

from functools import partial

from verifier.checks.compared import Compared
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keyed import KeyedRows, count_by_key
from verifier.checks.reason import HOPELESS, CannotTell, told
from verifier.checks.sketches import compared_by_sketches

FEW_KEYS = 10_000
"""As many as are compared one by one without asking how else it could be done."""


def compare(
    rows: KeyedRows, expected: Expected, inquiry: Inquiry, partition: int | None = None
) -> Compared:
    """What should be there and what is; notes both, and how they were compared, as evidence.

    Either way gives the same answer. ``partition`` is the place in the key of the column
    by which keys that are not held are told apart. Raises ``CannotTell`` where there is
    no answer.
    """
    asked = expected.asked(inquiry)
    few = FEW_KEYS if _take_digests(inquiry, expected.store, rows.store) else None
    keys = expected.read(inquiry, asked, len(rows.key), few)
    compared = {"by": "keys"}
    if few is not None and len(keys) > few:
        sides = told(lambda: compared_by_sketches(rows, expected, inquiry, partition))
        if isinstance(sides, Compared):
            expected.believe(sides.due, inquiry)
            inquiry.evidence.update(_statement(rows, inquiry).evidence())
            return sides
        if sides.reason in HOPELESS:
            raise sides
        compared["detail"] = sides.detail
        keys = expected.read(inquiry, asked, len(rows.key))
    inquiry.evidence["compared"] = compared
    expected.believe(len(keys), inquiry)
    statement = _statement(rows, inquiry)
    inquiry.evidence.update(statement.evidence())
    return Compared(keys, *count_by_key(inquiry, statement))


def _statement(rows: KeyedRows, inquiry: Inquiry) -> Statement:
    """What gives the rows of each key, all of them."""
    columns = ", ".join(rows.columns(inquiry.session(rows.store)))
    return rows.ask(inquiry, f"{columns}, count(*)", f"GROUP BY {columns}")


def _take_digests(inquiry: Inquiry, *stores: str) -> bool:
    """Whether each of these stores can be asked for digests at all."""
    sessions = [told(partial(inquiry.session, store)) for store in stores]
    return all(not isinstance(each, CannotTell) and each.digests for each in sessions)
