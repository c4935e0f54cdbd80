"""``ledger``: whether each intended side effect happened once: a mail, an event, a payout."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from verifier.checks.answer import Answer
from verifier.checks.compared import Compared
from verifier.checks.expected import Expected
from verifier.checks.http import Ask
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.jsonpath import JsonPath, require, require_list
from verifier.checks.keyed import KeyedRows, Within, count_by_key
from verifier.checks.keys import Key, key_of, sample
from verifier.checks.model import CheckModel, Named, Need, Query, Sql
from verifier.checks.question import Value
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.sides import compare
from verifier.checks.store import Session, StoreKind
from verifier.runs.evaluation import Effect


class Log(KeyedRows):
    """An outbox or a log table: a row for each time that the effect was tried or done."""

    within: Within = "lifetime"
    done: Annotated[
        Sql | None,
        Field(
            description="The condition of rows that took effect, such as `status = 'sent'`. "
            "Default: every row that is not in doubt."
        ),
    ] = None
    in_doubt: Annotated[
        Sql | None,
        Field(
            description="The condition of rows that were begun and never confirmed: nobody "
            "knows whether they took effect."
        ),
    ] = None

    def states(self) -> Iterator[Query]:
        """The conditions that tell what became of a row."""
        for word, sql in (("done", self.done), ("in_doubt", self.in_doubt)):
            if sql is not None:
                yield Query(
                    path=("log", word),
                    sql=sql,
                    store=self.store,
                    store_path=("log", "store"),
                    table=self.table,
                )

    def columns(self, session: Session) -> list[str]:
        """The key's columns, compared byte by byte as those of the expected side are."""
        return session.exact(self.table, self.key)

    def ask(self, inquiry: Inquiry, select: str, rest: str, **values: Value) -> Statement:
        """A statement over the rows that took effect; as any over keyed rows."""
        done = "" if self.state == "0" else f"AND {self.state} = 0\n"
        return super().ask(inquiry, select, f"{done}{rest}", **values)

    def doubtful(self, inquiry: Inquiry) -> Statement:
        """Gives the keys that were begun, and took effect in no row that is known to have."""
        columns = ", ".join(self.columns(inquiry.session(self.store)))
        rest = f"GROUP BY {columns}\nHAVING min({self.state}) = 1"
        return super().ask(inquiry, f"{columns}, count(*)", rest)

    @property
    def state(self) -> str:
        """What became of a row, as an expression: 0 done, 1 in doubt, 2 nothing."""
        # The line break keeps a comment at the end of a condition from hiding the parenthesis.
        cases = []
        if self.in_doubt is not None:
            cases.append(f"WHEN ({self.in_doubt}\n) THEN 1")
        if self.done is not None:
            cases.append(f"WHEN ({self.done}\n) THEN 0")
        rest = 0 if self.done is None else 2
        return f"CASE {' '.join(cases)} ELSE {rest} END" if cases else "0"


class Api(Ask):
    """A service that lists what it was asked to do."""

    items: Annotated[JsonPath, Field(description="Where the list stands, on every page.")]
    key: Annotated[
        tuple[JsonPath, ...],
        Field(min_length=1, max_length=16, description="Where the key stands in an item."),
    ]


class Ledger(CheckModel):
    """Compares the effects that were intended with those that a log, or a partner, shows.

    None: no effect at all. Partial: some are missing. Duplicated: one happened more than
    once, ever. Complete: each once. Where one is missing from all but the rows that are in
    doubt, nobody can tell, unless another is certainly missing beside one that happened.
    """

    says_effect = True

    type: Literal["ledger"]
    expected: Annotated[Expected, Field(description="The keys of the effects intended.")]
    log: Annotated[Log | None, Field(description="The table that shows them.")] = None
    api: Annotated[Api | None, Field(description="The service that shows them.")] = None

    @model_validator(mode="after")
    def _one_witness(self) -> Self:
        if (self.log is None) == (self.api is None):
            raise ValueError("expected either 'log' or 'api'")
        return self

    @property
    def history(self) -> int:
        """As the expected side asks."""
        return self.expected.history

    def queries(self) -> Iterator[Query]:
        """The conditions of the log, and the expected side."""
        if self.log is not None:
            yield from self.log.conditions("log")
            yield from self.log.states()
        yield from self.expected.queries()

    def names(self) -> Iterator[Named]:
        """The log."""
        if self.log is not None:
            yield self.log.named("log")

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Those of the service."""
        if self.api is not None:
            yield from self.api.texts("api")

    def needs(self) -> Iterator[Need]:
        """Those of its queries, and the service."""
        yield from super().needs()
        if self.api is not None:
            yield Need(store=self.api.store, path=("api", "store"), kind=StoreKind.HTTP)

    def answer(self, inquiry: Inquiry) -> Answer:
        """Reads what was intended and what is shown, and compares key by key."""
        if self.log is not None:
            return self._by_log(inquiry, self.log)
        assert self.api is not None  # noqa: S101 - one of the two is there
        expected = self.expected.keys(inquiry, len(self.api.key))
        compared = Compared(expected=expected, found=_told(inquiry, self.api), nameless={})
        inquiry.evidence.update(compared.evidence())
        return compared.answer()

    def _by_log(self, inquiry: Inquiry, log: Log) -> Answer:
        compared = compare(log, self.expected, inquiry)
        inquiry.evidence.update(compared.evidence())
        if not compared.surplus:
            log.require_reach(inquiry)
        if log.in_doubt is not None:
            self._require_certain(inquiry, compared, log)
        return compared.answer()

    def _require_certain(self, inquiry: Inquiry, compared: Compared, log: Log) -> None:
        """Raises ``CannotTell`` where the rows in doubt decide what there is."""
        statement = log.doubtful(inquiry)
        inquiry.evidence["doubtful"] = statement.evidence()
        doubtful = count_by_key(inquiry, statement)[0].keys() - compared.found.keys()
        inquiry.evidence["in_doubt"] = len(doubtful)
        inquiry.evidence["sample"]["in_doubt"] = sample(doubtful)
        certainly_missing = compared.missing - doubtful
        happened = compared.found or compared.agreed
        certain = compared.effect is Effect.DUPLICATED or (certainly_missing and happened)
        if doubtful and not certain:
            raise CannotTell(
                UnknownReason.IN_DOUBT, f"{len(doubtful)} were begun and never confirmed"
            )


def _told(inquiry: Inquiry, api: Api) -> dict[Key, int]:
    """How often the service shows each key."""
    found: dict[Key, int] = {}
    for document in api.documents(inquiry):
        for item in require_list(document, api.items):
            key = key_of(require(item, path) for path in api.key)
            if None in key:
                raise CannotTell(UnknownReason.NULL_KEY, "an item has null in its key")
            found[key] = found.get(key, 0) + 1
            if len(found) > inquiry.max_keys:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} keys are there"
                )
    return found
