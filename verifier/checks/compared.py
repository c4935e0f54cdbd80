"""What is there, compared key by key with what should be there."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import msgspec

from verifier.checks.answer import Answer
from verifier.checks.keys import Key, most_copied, sample
from verifier.checks.sketch import Sketch, sketch_of
from verifier.runs.evaluation import Effect, Result


class Compared(msgspec.Struct):
    """Two sides of a question, key by key.

    ``expected`` are the keys that should be there, ``found`` the rows of each key that is,
    ``nameless`` those of each key with a NULL in it: NULL equals nothing, so each of
    these rows is a key by itself.
    """

    expected: set[Key] = msgspec.field(default_factory=set)
    found: dict[Key, int] = msgspec.field(default_factory=dict)
    nameless: dict[Key, int] = msgspec.field(default_factory=dict)
    agreed: dict[str, Sketch] = msgspec.field(default_factory=dict)
    """Further keys, in groups, each of which is expected and there once; none of them is held."""
    absent: dict[str, Sketch] = msgspec.field(default_factory=dict)
    """Further keys, in groups, each of which is expected and not there; none of them is held."""
    damaged: int = 0
    """Expected keys of which only a part is there: they are missing, but not nothing."""

    @property
    def missing(self) -> set[Key]:
        """Those of the expected keys that are held and not there."""
        return self.expected.difference(self.found)

    @property
    def strange(self) -> set[Key]:
        """The keys that nobody expected."""
        # Not by a set of all keys that are there, which would mostly be emptied again.
        return {key for key in self.found if key not in self.expected}

    @property
    def due(self) -> int:
        """How many keys are expected."""
        return len(self.expected) + _count(self.agreed) + _count(self.absent)

    @property
    def lacking(self) -> int:
        """How many of these are not there."""
        return len(self.missing) + _count(self.absent)

    @property
    def rows(self) -> int:
        """All rows."""
        held = sum(self.found.values()) + sum(self.nameless.values())
        return held + _count(self.agreed)

    @property
    def surplus(self) -> int:
        """Rows beyond one a key."""
        return sum(self.found.values()) - len(self.found)

    @property
    def effect(self) -> Effect:
        """None: no row. Duplicated: a key has several, whatever else is missing."""
        return self._effect(self.lacking)

    def _effect(self, lacking: int) -> Effect:
        if self.surplus:
            return Effect.DUPLICATED
        if not lacking:
            return Effect.COMPLETE
        return Effect.PARTIAL if self.rows or self.damaged else Effect.NONE

    def evidence(self) -> dict[str, Any]:
        """The counts, and a bounded sample of each kind of key."""
        missing, strange = self.missing, self.strange
        return {
            "rows": self.rows,
            "keys": self.rows - self.surplus - sum(self.nameless.values()),
            "missing": len(missing) + _count(self.absent),
            "surplus": self.surplus,
            "unexpected": len(strange) + sum(self.nameless.values()),
            "sample": self._sample(missing, strange),
        }

    def sample(self) -> dict[str, list[Any]]:
        """Some keys of each kind that is amiss."""
        return self._sample(self.missing, self.strange)

    def _sample(self, missing: set[Key], strange: set[Key]) -> dict[str, list[Any]]:
        return {
            "missing": sample(missing),
            "unexpected": sample([*self.nameless, *strange]),
            "duplicated": most_copied(each for each in self.found.items() if each[1] > 1),
        }

    def answer(self) -> Answer:
        """Holds where every expected key is there once, and nothing else."""
        missing = self.lacking
        unexpected = len(self.strange) + sum(self.nameless.values())
        effect = self._effect(missing)  # of millions of keys, what is missing takes its time
        holds = effect is Effect.COMPLETE and not unexpected
        return Answer(
            result=Result.HOLDS if holds else Result.VIOLATED,
            effect=effect,
            expected=self.due,
            done=self.due - missing,
            missing=missing,
            surplus=self.surplus,
            unexpected=unexpected,
            source_sketch=_sketch(((key, 1) for key in self.expected), self.agreed, self.absent),
            destination_sketch=_sketch(
                chain(self.found.items(), self.nameless.items()), self.agreed
            ),
        )


def _count(groups: Mapping[str, Sketch]) -> int:
    return sum(each.count for each in groups.values())


def _sketch(held: Iterable[tuple[Key, int]], *groups: Mapping[str, Sketch]) -> str:
    """The sketch of one side, whatever part of it is held."""
    return str(sum(chain(*(each.values() for each in groups)), sketch_of(held)))
