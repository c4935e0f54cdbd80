"""``scope``: whether every expected key is there, once, and nothing else."""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Literal

from pydantic import Field

from verifier.checks.answer import Answer
from verifier.checks.expected import Expected
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keyed import KeyedCheck
from verifier.checks.keys import Key, key_of, most_copied, sample, sketch
from verifier.checks.model import Query
from verifier.checks.reason import CannotTell, UnknownReason
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
        expected = self.expected.keys(inquiry, len(self.key))
        columns = ", ".join(self.columns(inquiry.session(self.store)))
        statement = self.ask(inquiry, f"{columns}, count(*)", f"GROUP BY {columns}")
        inquiry.evidence.update(statement.evidence())
        found, nameless = _count_by_key(inquiry, statement)

        rows = sum(found.values()) + sum(nameless.values())
        surplus = sum(found.values()) - len(found)
        missing = expected - found.keys()
        strange = found.keys() - expected
        unexpected = len(strange) + sum(nameless.values())
        inquiry.evidence.update(
            rows=rows,
            keys=len(found),
            missing=len(missing),
            surplus=surplus,
            unexpected=unexpected,
            sample={
                "missing": sample(missing),
                "unexpected": sample([*nameless, *strange]),
                "duplicated": most_copied(each for each in found.items() if each[1] > 1),
            },
        )
        if not surplus:
            self.require_reach(inquiry)
        effect = _effect(rows=rows, missing=len(missing), surplus=surplus)
        holds = effect is Effect.COMPLETE and not unexpected
        return Answer(
            result=Result.HOLDS if holds else Result.VIOLATED,
            effect=effect,
            expected=len(expected),
            done=len(expected) - len(missing),
            missing=len(missing),
            surplus=surplus,
            unexpected=unexpected,
            source_sketch=sketch((key, 1) for key in expected),
            destination_sketch=sketch(chain(found.items(), nameless.items())),
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


def _effect(*, rows: int, missing: int, surplus: int) -> Effect:
    if surplus:
        return Effect.DUPLICATED
    if not missing:
        return Effect.COMPLETE
    return Effect.PARTIAL if rows else Effect.NONE
