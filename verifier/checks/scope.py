"""``scope``: whether every expected key is there, once, and nothing else."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from verifier.checks.answer import Answer
from verifier.checks.compared import Compared
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry
from verifier.checks.keyed import KeyedCheck
from verifier.checks.model import Query
from verifier.checks.reason import CannotTell, told
from verifier.checks.sides import compare
from verifier.checks.split import Split
from verifier.checks.store import Session


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

    @property
    def history(self) -> int:
        """As the expected side asks."""
        return self.expected.history

    def answer(self, inquiry: Inquiry) -> Answer:
        """Reads both sides and compares them key by key."""
        sides = self._read(inquiry)
        if not sides.surplus:
            self.require_reach(inquiry)
        return sides.answer()

    def split(self, inquiry: Inquiry) -> Split:
        """The same two statements, their keys told apart by partition."""
        column = self.key.index(self.partition or "")
        sides = self._read(inquiry, column)
        by_partition: dict[str, Compared] = defaultdict(Compared)
        for alike, sketch in sides.agreed.items():
            by_partition[alike].agreed[alike] = sketch
        for absent, sketch in sides.absent.items():
            by_partition[absent].absent[absent] = sketch
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
        answers: dict[str, Answer | None] = {}
        strays = {}
        for name, each in by_partition.items():
            if each.due or each.surplus or may_be_empty:
                answers[name] = each.answer()
            else:
                answers[name], strays[name] = None, each.answer().unexpected
        doubt = told(lambda: self.require_reach(inquiry))
        return Split(
            answers,
            Compared().answer() if may_be_empty else None,
            astray,
            strays,
            doubt if isinstance(doubt, CannotTell) else None,
            sample=lambda name: by_partition.get(name, Compared()).sample(),
        )

    def _read(self, inquiry: Inquiry, partition: int | None = None) -> Compared:
        """What should be there and what is; notes both as evidence."""
        sides = compare(self, self.expected, inquiry, partition)
        inquiry.evidence.update(sides.evidence())
        return sides
