from collections.abc import Callable

import pytest

from verifier.checks.registry import NOT_YET
from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Problem

Read = Callable[..., Reading]


@pytest.mark.parametrize("kind", ["files", "http"])
def test_a_store_of_a_planned_type_is_refused_and_still_known_by_name(
    kind: str, with_job: Callable[..., str], only: Callable[..., Problem]
) -> None:
    text = with_job().replace("type: sql", f"type: {kind}")
    problem = only(text)
    assert problem.code is Code.NOT_YET
    assert problem.path == "stores.shop.type"


@pytest.mark.parametrize("kind", NOT_YET)
def test_a_check_of_a_planned_type_is_refused_once(
    kind: str, with_job: Callable[..., str], only: Callable[..., Problem], scope: str
) -> None:
    text = with_job(checks=f"[{scope}, {{type: {kind}, name: other, whatever: 1}}]")
    problem = only(text)
    assert problem.code is Code.NOT_YET
    assert problem.path == "jobs.daily.checks[1].type"


@pytest.mark.parametrize(
    "text", ["jobs: 5", "stores: [1]", "jobs: {x: [1]}", "jobs: {x: {checks: 1}}"]
)
def test_what_has_another_shape_holds_nothing_planned(text: str, read: Read) -> None:
    assert Code.NOT_YET not in {each.code for each in read(f"version: 1\n{text}").problems}
