"""A check's answers to one run, partition by partition, from one reading of its store."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from pydantic import Field

from verifier.checks.aggregates import Aggregates
from verifier.checks.answer import Answer
from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel, Identifier
from verifier.checks.reason import CannotTell
from verifier.runs.declaration import CheckTraits


def _no_keys(partition: str) -> Mapping[str, list[Any]]:  # noqa: ARG001 - of none
    return {}


class Split(msgspec.Struct, frozen=True):
    """What a check answers for each partition.

    ``answers`` holds the partitions of which something was read, by name, and ``rest``
    is the answer for every other one that is listed. An answer is None where nothing
    was expected of the partition, and that may not be. ``nameless`` are rows that
    belong to no partition, since theirs is NULL. ``strays`` is how many keys are there of
    each partition whose answer is None. ``doubt`` is why every answer but one of copies is
    to be doubted: what was read may not be all there is. ``sample`` gives some keys of a
    partition, for evidence, by what is the matter with them.
    """

    answers: Mapping[str, Answer | None]
    rest: Answer | None = None
    nameless: int = 0
    strays: Mapping[str, int] = {}
    doubt: CannotTell | None = None
    sample: Callable[[str], Mapping[str, list[Any]]] = _no_keys


class PartitionedCheck(CheckModel):
    """A check that can tell the partitions of a run apart."""

    partition: Annotated[
        Identifier | None,
        Field(
            description="The column with the run's partition, in a job that has `partitions`: "
            "every partition then gets an answer of its own, from one statement. Without it "
            "the check speaks of the whole run."
        ),
    ] = None

    def traits(self) -> CheckTraits:
        """What judging needs to know of the check."""
        return msgspec.structs.replace(super().traits(), apart=self.partition is not None)

    def aggregates_by_partition(self, inquiry: Inquiry) -> Aggregates | None:  # noqa: ARG002 - some have none
        """As ``aggregates``, of each partition, in the place of the statement of ``split``."""
        return None

    @abstractmethod
    def split(self, inquiry: Inquiry) -> Split:
        """Asks once for all partitions; raises ``CannotTell`` where it cannot for any."""
