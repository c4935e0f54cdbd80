"""``http``: a number that a service tells, within bounds."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from verifier.checks.answer import Answer
from verifier.checks.bounds import Bounds
from verifier.checks.inquiry import Inquiry
from verifier.checks.jsonpath import ABSENT, JsonPath, at, require, require_list
from verifier.checks.keys import sketch
from verifier.checks.model import CheckModel, Name, Need
from verifier.checks.number import EXACT, plain, to_number
from verifier.checks.part import Part
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.store import StoreKind
from verifier.checks.template import Template, filled
from verifier.runs.evaluation import Result


class Ask(Part):
    """A question to a service."""

    store: Annotated[Name, Field(description="The store of type http that is asked.")]
    path: Annotated[Template, Field(description="What is asked for, below the store's address.")]
    params: Annotated[
        dict[Name, Template],
        Field(description="Parameters of the address; the run's values in braces."),
    ] = Field(default_factory=dict)
    next: Annotated[
        JsonPath | None,
        Field(description="Where an answer tells the address of its next page; null at the last."),
    ] = None

    def texts(self, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
        """What values of the run stand in, seen from the check that holds this at ``path``."""
        yield (*path, "path"), self.path
        for name, text in self.params.items():
            yield (*path, "params", name), text

    def documents(self, inquiry: Inquiry) -> Iterator[Any]:
        """The answer, page by page; the question stands in the evidence."""
        path = filled(self.path, inquiry.question)
        params = {name: filled(text, inquiry.question) for name, text in self.params.items()}
        inquiry.evidence.update(store=self.store, path=path, params=params, pages=0)
        service = inquiry.service(self.store)
        with inquiry.timed(self.store):
            for document in service.pages(path, params, self._after):
                inquiry.evidence["pages"] += 1
                yield document

    def _after(self, document: Any) -> str | None:
        following = ABSENT if self.next is None else at(document, self.next)
        if following is ABSENT or following is None or following == "":
            return None
        if not isinstance(following, str):
            raise CannotTell(UnknownReason.WRONG_SHAPE, f"expected an address at {self.next}")
        return following


class HttpCheck(CheckModel, Ask, Bounds):
    """Asks a service, with GET, and compares one number with bounds.

    The number stands at `value`; or `count` leads to a list whose items are counted, over
    all pages. An answer that is no success, no JSON, or too large proves nothing. A check
    of quality.
    """

    type: Literal["http"]
    value: Annotated[JsonPath | None, Field(description="Where the number stands.")] = None
    count: Annotated[
        JsonPath | None, Field(description="Where the list stands whose items are counted.")
    ] = None

    @model_validator(mode="after")
    def _one_number_with_bounds(self) -> Self:
        if (self.value is None) == (self.count is None):
            raise ValueError("expected either 'value' or 'count'")
        if self.next is not None and self.count is None:
            raise ValueError("expected 'count' beside 'next': a value stands on one page")
        if not self.bounded:
            raise ValueError("expected a bound: eq, ge, le or between")
        return self

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The path and the parameters."""
        yield from self.texts()

    def needs(self) -> Iterator[Need]:
        """The service."""
        yield Need(store=self.store, path=("store",), kind=StoreKind.HTTP)

    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks, and compares."""
        inquiry.evidence["allowed"] = self.allowed.evidence()
        number = Decimal(0)
        for document in self.documents(inquiry):
            if self.count is not None:
                number += len(require_list(document, self.count))
            else:
                number = to_number(require(document, self.value or ""))
        inquiry.evidence["value"] = plain(number)
        return Answer(
            result=Result.HOLDS if number in self.allowed else Result.VIOLATED,
            measured=number,
            destination_sketch=sketch([((plain(number.normalize(EXACT)),), 1)]),
        )
