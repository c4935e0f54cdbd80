"""The history of runs as documents, one after the other, for archives and other programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

from verifier.engine.documents import told
from verifier.ledger.history import RunHistory, Span
from verifier.ledger.ledger import Ledger
from verifier.runs.view import evaluation_document


class Export(msgspec.Struct, frozen=True):
    """How many runs there are, and their documents, oldest first."""

    count: int
    documents: Iterator[dict[str, Any]]


@contextmanager
def export(ledger: Ledger, span: Span, now: datetime) -> Iterator[Export]:
    """The Run documents in ``span``, each with all its ``evaluations`` beside.

    All are of one snapshot, and only a few are in memory at once.
    """
    with ledger.history(span, now) as history:
        yield Export(history.count, _documents(history, now))


def _documents(history: RunHistory, now: datetime) -> Iterator[dict[str, Any]]:
    for story in history.runs:
        document, facts = told(story, now), story.facts
        document["evaluations"] = [
            evaluation_document(facts.declaration, each)
            for each in (*facts.set_aside, *facts.evaluations)
        ]
        yield document
