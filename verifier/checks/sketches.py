"""Two sides of a question by their sketches, and key by key only where these differ.

Each side is asked once for a sketch a group: of the keys whose digests begin alike, or
of those of one partition. Groups with equal sketches hold the same keys, each once. The
keys of all others are read on both sides, and have to give the sketch that was told.
"""

from collections.abc import Iterable

from verifier.checks.compared import Compared
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry
from verifier.checks.keyed import KeyedRows, count_by_key
from verifier.checks.sketch import Sketch, digest, sketch_of
from verifier.checks.sketched import (
    Group,
    NoSketches,
    expected_side,
    groups_of,
    rows_side,
)
from verifier.checks.stores.digests import BUCKET_DIGITS

MOST_BUCKETS = 512
"""Of 4096, how many may differ: beyond that nearly all keys would be read one by one."""


def compared_by_sketches(
    rows: KeyedRows, expected: Expected, inquiry: Inquiry, partition: int | None
) -> Compared:
    """Both sides, the keys held only where they differ; notes how as evidence.

    ``partition`` is the place in the key of the column that makes the groups; where it is
    None they are by digest. Raises ``NoSketches`` where the keys have to be compared one by
    one, and ``CannotTell`` for whatever keeps a store from answering.
    """
    due_side = expected_side(expected, inquiry, len(rows.key), partition)
    there_side = rows_side(rows, inquiry, partition)
    due_sketch, there_sketch = due_side.sketch("DISTINCT"), there_side.sketch("ALL")
    due, there = groups_of(inquiry, due_sketch), groups_of(inquiry, there_sketch)
    if any(group.nameless for group in due.values()):
        raise NoSketches("an expected key has no digest")

    def bucket(name: str | None) -> str | None:
        return name if partition is None or name is None else _bucket(name)

    differing = [name for name in {*due, *there} if due.get(name) != there.get(name)]
    buckets = {bucket(name) for name in differing}
    if not there and _sum(due.values()).sketch.count > inquiry.max_keys:
        # More than can be held is missing, and that is all: the keys of one bucket will show.
        buckets = {min(filter(None, buckets))}
    elif len(buckets) > MOST_BUCKETS:
        raise NoSketches("the sides have too little in common")
    rest = {
        name: group.sketch
        for name, group in due.items()
        if name is not None and bucket(name) not in buckets
    }
    sides = Compared(agreed=rest) if there else Compared(absent=rest)
    inquiry.evidence["expected"]["sketch"] = due_sketch.sql
    how = inquiry.evidence["compared"] = {
        "by": "sketches",
        "groups": len({*due, *there}),
        "differing": len(differing),
        "sketch": there_sketch.sql,
    }
    if buckets:
        due_keys = due_side.ask(due_side.listed, f"WHERE {due_side.among(buckets)}")
        there_keys = there_side.ask(
            f"{there_side.listed}, count(*)",
            f"AND ({there_side.among(buckets)})\nGROUP BY {there_side.listed}",
        )
        inquiry.evidence["expected"]["exact"], how["exact"] = due_keys.sql, there_keys.sql
        sides.expected = expected.read(inquiry, due_keys, len(rows.key))
        sides.found, sides.nameless = count_by_key(inquiry, there_keys)
        _require_told(
            sides,
            _sum(group for name, group in due.items() if bucket(name) in buckets),
            _sum(group for name, group in there.items() if bucket(name) in buckets),
        )
    return sides


def _bucket(name: str) -> str:
    return (digest((name,)) or "")[:BUCKET_DIGITS]


def _require_told(sides: Compared, due: Group, there: Group) -> None:
    """Raises ``NoSketches`` where the keys read are not those that were sketched."""
    read = Group(sketch_of((key, 1) for key in sides.expected))
    read_there = Group(sketch_of(sides.found.items()), sum(sides.nameless.values()))
    if read_there.nameless < there.nameless and read_there.rows == there.rows:
        raise NoSketches("the key of a row has no digest")
    if (read, read_there) != (due, there):
        raise NoSketches("the sides did not stay as they were sketched")


def _sum(groups: Iterable[Group]) -> Group:
    held = list(groups)
    sketch = sum((each.sketch for each in held), Sketch())
    return Group(sketch, sum(each.nameless for each in held))
