"""``exactly_once``: whether any key of the run has more than one row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from verifier.checks.aggregates import Aggregates, Figure
from verifier.checks.answer import Answer
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keyed import KeyedCheck, Within
from verifier.checks.keys import Key, key_of, most_copied, sketch
from verifier.checks.question import Value
from verifier.checks.reason import CannotTell, UnknownReason, told
from verifier.checks.split import Split
from verifier.runs.evaluation import Effect, Result

_MOST_NAMED = 1_000
"""How many partitions a statement names at most."""


class ExactlyOnce(KeyedCheck):
    """Looks for further copies of the run's keys, in the whole table by default.

    It says duplicated, or nothing: keys that are not there at all are no concern of
    it. Two keys are the same if the table's own equality says so.
    """

    says_effect = True

    type: Literal["exactly_once"]
    within: Within = "lifetime"

    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks for the keys with more than one row, and for keys with a NULL in them."""
        copied, nameless = self._surplus(inquiry)
        if copied:
            return _duplicated(copied)
        self._require_sight(inquiry, nameless)
        return Answer(result=Result.HOLDS, destination_sketch=sketch(()))

    def aggregates(self, inquiry: Inquiry) -> Aggregates | None:
        """The rows, and the distinct hashes of whole keys, which are quick to count.

        As many of these as rows: no key is there twice. Fewer prove nothing, since two
        keys may have one hash, and a NULL has none; the keys are then asked for.
        """
        return self._figures(inquiry, self.columns(inquiry.session(self.store)))

    def _figures(self, inquiry: Inquiry, columns: Sequence[str]) -> Aggregates | None:
        """The rows, and the distinct hashes of ``columns`` where none of them is NULL."""
        if self.within != "interval":
            return None
        session = inquiry.session(self.store)
        hashed = session.hashed(session.quote(self.table), columns)
        if hashed is None:
            return None
        whole = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        return Aggregates(
            statement=self._statement(inquiry),
            table=session.quote(self.table),
            condition=self.where,
            figures=(
                Figure(function="count", of="1"),
                Figure(function="count", of=f"CASE WHEN {whole} THEN {hashed} END", distinct=True),
            ),
            rows=lambda found: [] if found[0][0] == found[0][1] else None,
            cheaper=True,
        )

    def aggregates_by_partition(self, inquiry: Inquiry) -> Aggregates | None:
        """The same of each partition; the keys are asked for only where fewer are distinct.

        Within one partition a key is the rest of its columns. None where the table calls
        partitions equal that are told apart: copies of one key could then be in two of them.
        """
        session = inquiry.session(self.store)
        by = f"{session.quote(self.table)}.{session.quote(self.partition or '')}"
        columns = self.columns(session)
        whole = self._figures(inquiry, [each for each in columns if each != by] or columns)
        if whole is None or session.exact(self.table, (self.partition or "",)) != [by]:
            return None

        def rows(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]] | Statement | None:
            doubtful = [name for name, rows, hashes in found if rows != hashes]
            if any(row[0] is None for row in found) or len(doubtful) > _MOST_NAMED:
                return None
            if not doubtful:
                return []
            names = {f"partition_{n}": name for n, name in enumerate(doubtful)}
            listed = ", ".join(f":{name}" for name in names)
            return self._statement(inquiry, f"AND {by} IN ({listed})\n", **names)

        return replace(whole, by=by, rows=rows)

    def split(self, inquiry: Inquiry) -> Split:
        """The same statement, its keys told apart by partition."""
        copied: dict[str, dict[Key, int]] = defaultdict(dict)
        found, nameless = self._surplus(inquiry)
        for key, count in found.items():
            copied[self.partition_of(key)][key] = count
        doubt = told(lambda: self._require_sight(inquiry, nameless))
        return Split(
            answers={name: _duplicated(keys) for name, keys in copied.items()},
            rest=Answer(result=Result.HOLDS, destination_sketch=sketch(())),
            doubt=doubt if isinstance(doubt, CannotTell) else None,
            sample=lambda name: {"duplicated": most_copied(copied.get(name, {}).items())},
        )

    def _surplus(self, inquiry: Inquiry) -> tuple[dict[Key, int], int]:
        """The rows of each key that has more than one, and of those with a NULL in them."""
        statement = self._statement(inquiry)
        inquiry.evidence.update(statement.evidence())
        copied, nameless_rows = _copied(inquiry, statement)
        surplus = sum(copied.values()) - len(copied)
        inquiry.evidence.update(
            keys_duplicated=len(copied),
            surplus=surplus,
            rows_with_null_key=nameless_rows,
            sample={"duplicated": most_copied(copied.items())},
        )
        return copied, nameless_rows

    def _require_sight(self, inquiry: Inquiry, nameless_rows: int) -> None:
        """Raises ``CannotTell`` where a copy could be there and not be seen."""
        self.require_reach(inquiry)
        if nameless_rows:
            raise CannotTell(
                UnknownReason.NULL_KEY, f"{nameless_rows} rows have a NULL in their key"
            )

    def _statement(self, inquiry: Inquiry, narrower: str = "", **values: Value) -> Statement:
        columns = self.columns(inquiry.session(self.store))
        listed = ", ".join(columns)
        nameless = " OR ".join(f"{column} IS NULL" for column in columns)
        return self.ask(
            inquiry,
            f"{listed}, count(*)",
            f"{narrower}GROUP BY {listed}\nHAVING count(*) > 1 OR {nameless}",
            **values,
        )


def _duplicated(copied: Mapping[Key, int]) -> Answer:
    return Answer(
        result=Result.VIOLATED,
        effect=Effect.DUPLICATED,
        surplus=sum(copied.values()) - len(copied),
        destination_sketch=sketch(copied.items()),
    )


def _copied(inquiry: Inquiry, statement: Statement) -> tuple[dict[Key, int], int]:
    """The rows of each key that has several, and how many rows have a NULL in their key."""
    copied: dict[Key, int] = {}
    nameless_rows = 0
    with inquiry.rows(statement) as rows:
        for row in rows:
            key, count = key_of(row[:-1]), row[-1]
            if None in key:
                nameless_rows += count
                continue
            copied[key] = copied.get(key, 0) + count
            if len(copied) > inquiry.max_keys:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS,
                    f"more than {inquiry.max_keys} keys have several rows",
                )
    return copied, nameless_rows
