"""One store of the file, by its type."""

from typing import get_args

from verifier.checks.stores.registry import AnyStore
from verifier.config.codes import Code
from verifier.config.keys import nearest
from verifier.config.reporter import Reporter
from verifier.config.shape import read_part

STORE_TYPES = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(AnyStore)
}
"""The model of each type of store, by its name."""


def read_store(reporter: Reporter) -> AnyStore | None:
    """The store that ``reporter`` speaks of; None after all errors of it were reported."""
    value = reporter.value
    if not isinstance(value, dict):
        message = "expected a mapping with type and url, found something else"
        reporter.error(Code.WRONG_TYPE, (), message)
        return None
    kind = value.get("type")
    if kind is None:
        reporter.error(Code.MISSING_KEY, (), "expected the key 'type', found none", at_key=True)
        return None
    model = STORE_TYPES.get(kind) if isinstance(kind, str) else None
    if model is None:
        reporter.error(
            Code.NOT_A_CHOICE,
            ("type",),
            f"expected one of {', '.join(STORE_TYPES)}, found {str(kind)[:40]!r}",
            nearest(str(kind), STORE_TYPES),
        )
        return None
    store: AnyStore | None = read_part(model, value, reporter)
    return store
