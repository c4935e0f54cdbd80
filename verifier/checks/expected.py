"""The expected side of a check: what should be there, and whether that can be believed."""

from collections.abc import Iterator
from decimal import Decimal
from statistics import median
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from verifier.checks.bounds import Percent, around
from verifier.checks.inquiry import NOTHING, Inquiry, Statement
from verifier.checks.keys import Key, key_of
from verifier.checks.model import Name, Query, Sql
from verifier.checks.number import count_of, plain, to_count, to_number
from verifier.checks.part import Part
from verifier.checks.reason import CannotTell, UnknownReason

_USUAL = 20


class Ready(Part):
    """A question to the expected side: whether all of it has arrived."""

    sql: Annotated[
        Sql,
        Field(description="Gives a number other than 0 when ready; 0, NULL or no row when not."),
    ]


class Expected(Part):
    """What should be there; an empty or doubtful expectation proves nothing."""

    store: Annotated[Name, Field(description="The store that knows what is expected.")]
    sql: Annotated[
        Sql, Field(description="Gives the expected keys (scope) or their number (row_count).")
    ]
    min: Annotated[
        int | None, Field(ge=1, description="Fewer expected than this is not believed.")
    ] = None
    drift_within_pct: Annotated[
        Percent | None,
        Field(
            description="How far the number expected may be from the median of verified runs. "
            "Without a verified run nothing is compared."
        ),
    ] = None
    ready: Annotated[Ready | None, Field(description="Asked before the expected side.")] = None
    allow_empty: Annotated[
        bool, Field(description="Whether nothing at all may be expected of a run.")
    ] = False

    @model_validator(mode="after")
    def _min_or_empty(self) -> Self:
        if self.allow_empty and self.min is not None:
            raise ValueError("expected either 'min' or 'allow_empty', found both")
        return self

    def queries(self, *at: str) -> Iterator[Query]:
        """The SQL texts, seen from the check that holds this, as ``expected`` by default."""
        at = at or ("expected",)
        store_path = (*at, "store")
        yield Query(path=(*at, "sql"), sql=self.sql, store=self.store, store_path=store_path)
        if self.ready is not None:
            path = (*at, "ready", "sql")
            yield Query(path=path, sql=self.ready.sql, store=self.store, store_path=store_path)

    @property
    def history(self) -> int:
        """How many earlier verified runs tell what number is usual."""
        return 0 if self.drift_within_pct is None else _USUAL

    def keys(self, inquiry: Inquiry, width: int) -> set[Key]:
        """The expected keys of ``width`` values each, every key once.

        Raises ``CannotTell`` where they cannot be had or cannot be believed.
        """
        keys = self.read(inquiry, self.asked(inquiry), width)
        self.believe(len(keys), inquiry)
        return keys

    def asked(self, inquiry: Inquiry) -> Statement:
        """What gives the expected keys; raises ``CannotTell`` where they are not ready."""
        evidence = inquiry.evidence["expected"] = {}
        self._require_ready(inquiry, evidence)
        statement = inquiry.statement(self.store, self.sql)
        evidence.update(statement.evidence())
        return statement

    def read(self, inquiry: Inquiry, statement: Statement, width: int) -> set[Key]:
        """The keys that ``statement`` gives."""
        keys: set[Key] = set()
        with inquiry.rows(statement) as rows:
            for row in rows:
                if len(row) != width:
                    raise CannotTell(
                        UnknownReason.WRONG_SHAPE,
                        f"expected a column for each of the {width} of the key, found {len(row)}",
                    )
                key = key_of(row)
                if None in key:
                    raise CannotTell(UnknownReason.NULL_KEY, "an expected key is NULL")
                keys.add(key)
                if len(keys) > inquiry.max_keys:
                    raise CannotTell(
                        UnknownReason.TOO_MANY_KEYS,
                        f"more than {inquiry.max_keys} keys are expected",
                    )
        return keys

    def believe(self, keys: int, inquiry: Inquiry) -> None:
        """Notes how many are expected; raises ``CannotTell`` where that is not believed."""
        evidence = inquiry.evidence["expected"]
        evidence["keys"] = keys
        self._require_credible(keys, inquiry, evidence)

    def count(self, inquiry: Inquiry) -> int:
        """The expected number; raises ``CannotTell`` as ``keys`` does."""
        evidence = inquiry.evidence["expected"] = {}
        self._require_ready(inquiry, evidence)
        statement = inquiry.statement(self.store, self.sql)
        evidence.update(statement.evidence())
        count = to_count(inquiry.number(statement))
        evidence["count"] = count
        self._require_credible(count, inquiry, evidence)
        return count

    def counts(self, inquiry: Inquiry) -> dict[str, int]:
        """The expected number of each partition; raises ``CannotTell`` as ``keys`` does."""
        evidence = inquiry.evidence["expected"] = {}
        self._require_ready(inquiry, evidence)
        statement = inquiry.statement(self.store, self.sql)
        evidence.update(statement.evidence())
        counts, nameless = counts_of(inquiry, statement)
        if nameless:
            raise CannotTell(UnknownReason.NULL_KEY, "an expected partition is NULL")
        total = sum(counts.values())
        evidence.update(count=total, partitions=len(counts))
        self._require_credible(total, inquiry, evidence)
        return counts

    def _require_ready(self, inquiry: Inquiry, evidence: dict[str, Any]) -> None:
        if self.ready is None:
            return
        statement = inquiry.statement(self.store, self.ready.sql)
        evidence["ready"] = statement.evidence()
        if not _is_true(inquiry.value(statement)):
            raise CannotTell(UnknownReason.EXPECTED_NOT_READY, "the expected side is not ready")

    def _require_credible(self, count: int, inquiry: Inquiry, evidence: dict[str, Any]) -> None:
        if count == 0 and not self.allow_empty:
            raise CannotTell(UnknownReason.EXPECTED_EMPTY, "nothing is expected of the run")
        if self.min is not None and count < self.min:
            raise CannotTell(
                UnknownReason.EXPECTED_BELOW_MIN,
                f"expected at least {self.min}, the expected side has {count}",
            )
        known = [each.expected for each in inquiry.history if each.expected is not None]
        if self.drift_within_pct is None or not known:
            return
        usual = median([Decimal(each) for each in known])
        evidence["usual"] = plain(usual)
        allowed = around(usual, within_abs=None, within_pct=self.drift_within_pct)
        if Decimal(count) not in allowed:
            raise CannotTell(
                UnknownReason.EXPECTED_DRIFTED,
                f"{count} expected, {plain(usual)} is usual in verified runs",
            )


def counts_of(inquiry: Inquiry, statement: Statement) -> tuple[dict[str, int], int]:
    """The number beside each partition that ``statement`` gives, and that beside NULL.

    Raises ``CannotTell`` for another shape, and for more partitions than are held.
    """
    counts: dict[str, int] = {}
    nameless = 0
    with inquiry.rows(statement) as rows:
        for row in rows:
            if len(row) != 2:
                raise CannotTell(
                    UnknownReason.WRONG_SHAPE,
                    f"expected two columns, the partition and a number, found {len(row)}",
                )
            name, count = row[0], count_of(row[1])
            if type(name) is not str:
                name = key_of((name,))[0]
            if name is None:
                nameless += count
                continue
            counts[name] = counts.get(name, 0) + count
            if len(counts) > inquiry.max_keys:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} partitions"
                )
    return counts, nameless


def _is_true(value: object) -> bool:
    if value is None or value is NOTHING:
        return False
    if isinstance(value, bool):
        return value
    return to_number(value) != 0
