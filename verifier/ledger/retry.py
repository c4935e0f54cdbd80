"""Doing a write again where somebody else was in its way."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from verifier.ledger.errors import Conflict

TRIES = 5
"""How often a write is tried; who is in the way this often is no coincidence."""

P = ParamSpec("P")
R = TypeVar("R")


def retried(write: Callable[P, R]) -> Callable[P, R]:
    """``write``, which is one transaction, done again where it raised ``Conflict``.

    Nothing was kept of what is done again. The last ``Conflict`` is raised.
    """

    @wraps(write)
    def until_it_is_done(*arguments: P.args, **named: P.kwargs) -> R:
        for _ in range(TRIES - 1):
            try:
                return write(*arguments, **named)
            except Conflict:
                continue
        return write(*arguments, **named)

    return until_it_is_done
