"""The one place that decides how the keys of two sides are compared.

Where few rows are there, both sides are held in memory and compared one by one. Where there
are many, and both stores take digests of keys, the sides are compared by sketches first. How
many there are is asked of the table: what is expected may take long to find out, and is
asked once.
"""

from functools import partial

from verifier.checks.compared import Compared
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keyed import KeyedRows, count_by_key
from verifier.checks.keys import Key
from verifier.checks.reason import HOPELESS, CannotTell, UnknownReason, told
from verifier.checks.sketches import compared_by_sketches

FEW_ROWS = 10_000
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
    digests = _take_digests(inquiry, expected.store, rows.store)
    # Why the table does not answer matters only once what is expected is known.
    there = told(lambda: _few_rows(rows, inquiry)) if digests else None
    compared = {"by": "keys"}
    if digests and there is None:
        sides = _by_sketches(rows, expected, inquiry, partition)
        if isinstance(sides, Compared):
            return sides
        compared["detail"] = sides.detail
    try:
        keys = expected.read(inquiry, asked, len(rows.key))
    except CannotTell as error:
        if error.reason is not UnknownReason.TOO_MANY_KEYS or there is None:
            raise
        sides = _by_sketches(rows, expected, inquiry, partition)
        if isinstance(sides, Compared):
            return sides
        raise
    inquiry.evidence["compared"] = compared
    expected.believe(len(keys), inquiry)
    statement = _statement(rows, inquiry)
    inquiry.evidence.update(statement.evidence())
    if isinstance(there, CannotTell):
        raise there
    return Compared(keys, *(count_by_key(inquiry, statement) if there is None else there))


def _by_sketches(
    rows: KeyedRows, expected: Expected, inquiry: Inquiry, partition: int | None
) -> Compared | CannotTell:
    """The sides by sketches, or why they have to be compared one by one."""
    sides = told(lambda: compared_by_sketches(rows, expected, inquiry, partition))
    if isinstance(sides, Compared):
        expected.believe(sides.due, inquiry)
        inquiry.evidence.update(_statement(rows, inquiry).evidence())
    elif sides.reason in HOPELESS:
        raise sides
    return sides


def _few_rows(rows: KeyedRows, inquiry: Inquiry) -> tuple[dict[Key, int], dict[Key, int]] | None:
    """The rows of each key, as ``count_by_key`` gives them; None where there are many."""
    columns = ", ".join(rows.columns(inquiry.session(rows.store)))
    found, nameless = count_by_key(
        inquiry, rows.ask(inquiry, f"{columns}, 1", f"LIMIT {FEW_ROWS + 1}")
    )
    many = sum(found.values()) + sum(nameless.values()) > FEW_ROWS
    return None if many else (found, nameless)


def _statement(rows: KeyedRows, inquiry: Inquiry) -> Statement:
    """What gives the rows of each key, all of them."""
    columns = ", ".join(rows.columns(inquiry.session(rows.store)))
    return rows.ask(inquiry, f"{columns}, count(*)", f"GROUP BY {columns}")


def _take_digests(inquiry: Inquiry, *stores: str) -> bool:
    """Whether each of these stores can be asked for digests at all."""
    sessions = [told(partial(inquiry.session, store)) for store in stores]
    return all(not isinstance(each, CannotTell) and each.digests for each in sessions)
