"""Every type of check, once: a new type adds its module and one name here."""

from typing import Annotated, get_args

from pydantic import Field

from verifier.checks.exactly_once import ExactlyOnce
from verifier.checks.model import CheckModel
from verifier.checks.reconcile import Reconcile
from verifier.checks.row_count import RowCount
from verifier.checks.scope import Scope

AnyCheck = Scope | ExactlyOnce | RowCount | Reconcile

Check = Annotated[AnyCheck, Field(discriminator="type")]
"""A check as ``landed.yaml`` declares it; ``type`` says which."""

CHECK_TYPES: dict[str, type[CheckModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(AnyCheck)
}
"""The model of each type of check, by its name."""

NOT_YET = ("freshness", "ledger", "baseline", "sql", "file", "http", "python")
"""Types that are planned and cannot be used yet."""
