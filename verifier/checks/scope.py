"""``scope``: whether every expected key is there, once, and nothing else."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from verifier.checks.answer import Answer
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keyed import KeyedCheck
from verifier.checks.keys import Key, key_of, most_copied, sample, sketch
from verifier.checks.model import Query
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.split import Split
from verifier.checks.store import Session
from verifier.runs.evaluation import Effect, Result


class Scope(KeyedCheck):
    """Compares the keys that are there with those that should be.

    None: no row at all. Partial: some expected keys are missing; rows under none but
    unexpected keys are partial too, since something was written. Duplicated: a key
    has more than one row, whatever else is missing. Complete: every expected key
    once; keys that nobody expected are told apart.
    """

    says_effect = True

    type: Literal["scope"]
    expected: Annotated[
        Expected, Field(description="The keys that should be there, one column a key column.")
    ]

    def queries(self) -> Iterator[Query]:
        """The condition and the expected side."""
        yield from super().queries()
        yield from self.expected.queries()

    def columns(self, session: Session) -> list[str]:
        """The key's columns, compared byte by byte as those of the expected side are."""
        return session.exact(self.table, self.key)

    def answer(self, inquiry: Inquiry) -> Answer:
        """Reads both sides and compares them key by key."""
        sides = self._read(inquiry)
        return sides.answer()

    def split(self, inquiry: Inquiry) -> Split:
        """The same two statements, their keys told apart by partition."""
        sides = self._read(inquiry)
        column = self.key.index(self.partition or "")
        by_partition: dict[str, Sides] = defaultdict(Sides)
        for key in sides.expected:
            by_partition[key[column] or ""].expected.add(key)
        for key, count in sides.found.items():
            by_partition[key[column] or ""].found[key] = count
        astray = 0
        for key, count in sides.nameless.items():
            name = key[column]
            if name is None:
                astray += count
            else:
                by_partition[name].nameless[key] = count
        may_be_empty = self.expected.allow_empty
        answers = {
            name: each.answer() if each.expected or may_be_empty else None
            for name, each in by_partition.items()
        }
        return Split(answers, Sides().answer() if may_be_empty else None, astray)

    def _read(self, inquiry: Inquiry) -> "Sides":
        """What should be there and what is; notes both as evidence."""
        expected = self.expected.keys(inquiry, len(self.key))
        columns = ", ".join(self.columns(inquiry.session(self.store)))
        statement = self.ask(inquiry, f"{columns}, count(*)", f"GROUP BY {columns}")
        inquiry.evidence.update(statement.evidence())
        sides = Sides(expected, *_count_by_key(inquiry, statement))
        inquiry.evidence.update(sides.evidence())
        if not sides.surplus:
            self.require_reach(inquiry)
        return sides


class Sides(msgspec.Struct):
    """The keys that should be there, and the rows of each key that are.

    ``nameless`` are those of each key with a NULL in it.
    """

    expected: set[Key] = msgspec.field(default_factory=set)
    found: dict[Key, int] = msgspec.field(default_factory=dict)
    nameless: dict[Key, int] = msgspec.field(default_factory=dict)

    @property
    def surplus(self) -> int:
        """Rows beyond the first of a key."""
        return sum(self.found.values()) - len(self.found)

    @property
    def missing(self) -> set[Key]:
        """Expected keys without a row."""
        return self.expected - self.found.keys()

    @property
    def strange(self) -> set[Key]:
        """Keys with a row that nobody expected."""
        return self.found.keys() - self.expected

    def evidence(self) -> dict[str, Any]:
        """Counts, and a bounded sample of what is wrong."""
        missing, strange = self.missing, self.strange
        return {
            "rows": sum(self.found.values()) + sum(self.nameless.values()),
            "keys": len(self.found),
            "missing": len(missing),
            "surplus": self.surplus,
            "unexpected": len(strange) + sum(self.nameless.values()),
            "sample": {
                "missing": sample(missing),
                "unexpected": sample([*self.nameless, *strange]),
                "duplicated": most_copied(each for each in self.found.items() if each[1] > 1),
            },
        }

    def answer(self) -> Answer:
        """One side held against the other."""
        missing, surplus = len(self.missing), self.surplus
        unexpected = len(self.strange) + sum(self.nameless.values())
        effect = _effect(rows=bool(self.found or self.nameless), missing=missing, surplus=surplus)
        holds = effect is Effect.COMPLETE and not unexpected
        return Answer(
            result=Result.HOLDS if holds else Result.VIOLATED,
            effect=effect,
            expected=len(self.expected),
            done=len(self.expected) - missing,
            missing=missing,
            surplus=surplus,
            unexpected=unexpected,
            source_sketch=sketch((key, 1) for key in self.expected),
            destination_sketch=sketch(chain(self.found.items(), self.nameless.items())),
        )


def _count_by_key(inquiry: Inquiry, statement: Statement) -> tuple[dict[Key, int], dict[Key, int]]:
    """The rows of each key, and those of each key with a NULL in it.

    NULL equals nothing, so each of the latter rows is a key by itself.
    """
    found: dict[Key, int] = {}
    nameless: dict[Key, int] = {}
    with inquiry.rows(statement) as rows:
        for row in rows:
            key, count = key_of(row[:-1]), row[-1]
            counts = nameless if None in key else found
            counts[key] = counts.get(key, 0) + count
            if len(found) + len(nameless) > inquiry.max_keys:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} keys are there"
                )
    return found, nameless


def _effect(*, rows: bool, missing: int, surplus: int) -> Effect:
    if surplus:
        return Effect.DUPLICATED
    if not missing:
        return Effect.COMPLETE
    return Effect.PARTIAL if rows else Effect.NONE
