"""One side of a question as its store sketches it, in groups of keys."""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keyed import KeyedRows
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.sketch import Sketch
from verifier.checks.sqltext import within
from verifier.checks.stores.digests import Digests

Ask = Callable[[str, str], Statement]
"""Makes a statement over one side, of what stands before its ``FROM`` and behind it."""


class NoSketches(CannotTell):
    """The keys have to be compared one by one; ``detail`` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(UnknownReason.INTERNAL, detail)


class Group(NamedTuple):
    """Keys that are sketched together.

    ``nameless`` are those without a digest: with NULL in them, or a value whose plain text
    is not certain.
    """

    sketch: Sketch
    nameless: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.sketch.count + self.nameless


class Side(NamedTuple):
    """Asks for the keys of one side: their ``columns``, their plain ``texts`` as SQL.

    ``partition`` is the place in the key of the column that makes the groups; where it is
    None the buckets do.
    """

    inquiry: Inquiry
    ask: Ask
    digests: Digests
    columns: Sequence[str]
    texts: Sequence[str]
    partition: int | None

    @property
    def listed(self) -> str:
        """The columns, as in a ``SELECT``."""
        return ", ".join(self.columns)

    def sketch(self, each: str) -> Statement:
        """Gives the groups; ``each`` is ``DISTINCT`` where a key counts once."""
        key = f"{self.digests.digest(self.texts)} AS h"
        name, group, named = "g", f"{self.digests.bucket('h')} AS g", "g"
        if self.partition is not None:
            # By digest, whatever the collation; all names of one group are the same.
            text = self.texts[self.partition]
            key += f", {self.digests.digest([text])} AS g, {text} AS p"
            name, group, named = "min(p)", "g, p", "n"
        return self.ask(
            f"{name}, count(*), count({named}), sum(n)\n"
            f"FROM (SELECT {each} {group}, {self.digests.number('h')} AS n\nFROM (SELECT {key}",
            f"{self.digests.once}) AS digested) AS grouped\nGROUP BY g",
        )

    def among(self, buckets: Set[str | None]) -> str:
        """The condition of keys, or of partitions, that are in one of ``buckets``."""
        texts = self.texts if self.partition is None else [self.texts[self.partition]]
        bucket = self.digests.bucket(self.digests.digest(texts))
        listed = ", ".join(f"'{each}'" for each in sorted(filter(None, buckets)))
        conditions = [f"{bucket} IN ({listed})"] if listed else []
        if None in buckets:
            conditions.append(f"{bucket} IS NULL")
        return " OR ".join(conditions)


def side_of(
    inquiry: Inquiry,
    store: str,
    columns: Sequence[str],
    ask: Ask,
    partition: int | None,
    every: str,
) -> Side:
    """One side; raises ``NoSketches`` where its store takes no digests of such columns.

    ``every`` selects them as they are, all that there are.
    """
    session = inquiry.session(store)
    if session.digests is None:
        raise NoSketches(f"{store} takes no digests")
    described = ask(every, "LIMIT 0")
    texts = session.plain(described.sql, described.parameters, columns)
    if texts is None:
        raise NoSketches(f"{store} takes no digests of a type that the key has")
    return Side(inquiry, ask, session.digests, columns, texts, partition)


def expected_side(expected: Expected, inquiry: Inquiry, width: int, partition: int | None) -> Side:
    """The expected keys: their statement, within others."""
    columns = [f"k{number}" for number in range(1, width + 1)]
    # The line break keeps a comment at the end from hiding the parenthesis.
    keys = f"WITH landed_expected ({', '.join(columns)}) AS (\n{within(expected.sql)}\n)"

    def ask(select: str, rest: str) -> Statement:
        sql = f"{keys}\nSELECT {select}\nFROM landed_expected\n{rest}"
        return inquiry.statement(expected.store, sql)

    return side_of(inquiry, expected.store, columns, ask, partition, "*")


def rows_side(rows: KeyedRows, inquiry: Inquiry, partition: int | None) -> Side:
    """The rows that are there."""

    def ask(select: str, rest: str) -> Statement:
        return rows.ask(inquiry, select, rest)

    columns = rows.columns(inquiry.session(rows.store))
    return side_of(inquiry, rows.store, columns, ask, partition, ", ".join(columns))


def groups_of(inquiry: Inquiry, statement: Statement) -> Mapping[str | None, Group]:
    """The groups that ``statement`` gives, by name; None: those without one."""
    groups: dict[str | None, Group] = {}
    with inquiry.rows(statement) as rows:
        for name, count, digests, total in rows:
            sketch = Sketch(digests, int(total or 0) % 2**64)
            groups[name] = Group(sketch, nameless=count - digests)
            if len(groups) > inquiry.max_keys:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} groups of keys"
                )
    return groups
