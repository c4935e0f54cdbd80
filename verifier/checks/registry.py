"""Every type of check, once: a new type adds its module and one name here."""

from typing import Annotated, get_args

from pydantic import Field

from verifier.checks.baseline import Baseline
from verifier.checks.exactly_once import ExactlyOnce
from verifier.checks.file import FileCheck
from verifier.checks.freshness import Freshness
from verifier.checks.http import HttpCheck
from verifier.checks.ledger import Ledger
from verifier.checks.model import CheckModel
from verifier.checks.python import PythonCheck
from verifier.checks.reconcile import Reconcile
from verifier.checks.row_count import RowCount
from verifier.checks.scope import Scope
from verifier.checks.sql import SqlCheck

AnyCheck = (
    Scope
    | ExactlyOnce
    | RowCount
    | Reconcile
    | Freshness
    | Ledger
    | Baseline
    | SqlCheck
    | FileCheck
    | HttpCheck
    | PythonCheck
)

Check = Annotated[AnyCheck, Field(discriminator="type")]
"""A check as ``landed.yaml`` declares it; ``type`` says which."""

CHECK_TYPES: dict[str, type[CheckModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(AnyCheck)
}
"""The model of each type of check, by its name."""
