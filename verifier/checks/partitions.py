"""Which partitions a run has: a question to a store, asked with the checks."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from verifier.checks.inquiry import Inquiry
from verifier.checks.keys import key_of
from verifier.checks.model import Name, Named, Query, Sql
from verifier.checks.part import Part
from verifier.checks.reason import CannotTell, UnknownReason

NO_CLASS = ""
"""The class of every partition of a job that declares none."""

LONGEST = 200
"""Characters of the name of a partition, as in a signal."""

MAX_CLASSES = 5
"""How many classes are told apart; they become label values."""


class Partitions(Part):
    """How a job is split by a business key, such as its tenants."""

    name: Annotated[Name, Field(description="What a partition is: `tenant`, `region`.")]
    store: Annotated[Name, Field(description="The store that knows the partitions.")]
    sql: Annotated[
        Sql,
        Field(
            description="Gives the partitions of a run, one a row; where there is a `class`, "
            "that in a second column."
        ),
    ]
    class_: Annotated[
        Name | None,
        Field(
            alias="class",
            description="What the second column of `sql` is, such as `tier`: figures are told by "
            f"it. At most {MAX_CLASSES} values.",
        ),
    ] = None

    def queries(self) -> Iterator[Query]:
        """The SQL text, seen from the job."""
        yield Query(path=("sql",), sql=self.sql, store=self.store, store_path=("store",))

    def names(self) -> Iterator[Named]:
        """None: all that is asked stands in the SQL text."""
        yield from ()

    def listed(self, inquiry: Inquiry) -> dict[str, str]:
        """The class of each partition of the run.

        Raises ``CannotTell`` where they cannot be read, and where there are none: then
        nobody knows of whom anything could be missing.
        """
        statement = inquiry.statement(self.store, self.sql)
        inquiry.evidence.update(statement.evidence())
        width = 1 if self.class_ is None else 2
        found: dict[str | None, object] = {}
        with inquiry.rows(statement) as rows:
            for row in rows:
                if len(row) != width:
                    raise CannotTell(
                        UnknownReason.WRONG_SHAPE,
                        f"partitions: expected {width} columns, found {len(row)}",
                    )
                name = row[0]
                found[name if type(name) is str else key_of((name,))[0]] = row[-1]
                if len(found) > inquiry.max_keys:
                    raise CannotTell(
                        UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} partitions"
                    )
        if None in found:
            raise CannotTell(UnknownReason.NULL_KEY, "a partition is NULL")
        names = [str(name) for name in found]
        if not all(name and len(name) <= LONGEST and name.isprintable() for name in names):
            raise CannotTell(
                UnknownReason.WRONG_SHAPE,
                f"partitions: expected printable names of 1 to {LONGEST} characters",
            )
        classes = dict.fromkeys(names, NO_CLASS)
        if width == 2:
            of_class = key_of(found.values())
            classes = {name: each or NO_CLASS for name, each in zip(names, of_class, strict=True)}
        if not classes:
            raise CannotTell(UnknownReason.EXPECTED_EMPTY, "the run has no partitions")
        if len(set(classes.values())) > MAX_CLASSES:
            raise CannotTell(
                UnknownReason.WRONG_SHAPE, f"partitions: more than {MAX_CLASSES} classes"
            )
        return classes
