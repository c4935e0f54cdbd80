from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.cli.exits import ExitCode, exit_of_run, exit_of_runs
from verifier.runs.verdict import Verdict

EXPECTED = {
    Verdict.VERIFIED: 0,
    Verdict.RECONCILED: 0,
    Verdict.EXCUSED: 0,
    Verdict.MISSING: 1,
    Verdict.ABSENT: 1,
    Verdict.PARTIAL: 1,
    Verdict.DUPLICATED: 1,
    Verdict.WRONG: 1,
    Verdict.AMBIGUOUS: 3,
    Verdict.UNPROVEN: 3,
    None: 3,
}


def document(verdict: Verdict | None, *, provisional: bool = False) -> dict[str, Any]:
    return {"verdict": verdict, "provisional": provisional}


def test_the_exit_codes_are_those_of_the_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "VIOLATED": 1,
        "USAGE": 2,
        "CANNOT_TELL": 3,
        "UNREACHABLE": 4,
        "REFUSED": 75,
    }


def test_every_verdict_has_an_exit_code() -> None:
    assert EXPECTED.keys() == {*Verdict, None}


@pytest.mark.parametrize(("verdict", "code"), EXPECTED.items())
def test_a_verdict_has_its_exit_code(verdict: Verdict | None, code: int) -> None:
    assert exit_of_run(document(verdict)) == code


def test_a_verified_run_that_is_provisional_cannot_be_told() -> None:
    assert exit_of_run(document(Verdict.VERIFIED, provisional=True)) == 3


def test_what_a_person_closed_is_done_whatever_is_still_written() -> None:
    assert exit_of_run(document(Verdict.RECONCILED, provisional=True)) == 0


def test_no_run_at_all_is_fine() -> None:
    assert exit_of_runs([]) == 0


@given(st.lists(st.sampled_from(list(EXPECTED)), min_size=1))
def test_a_violation_outweighs_doubt_and_doubt_outweighs_the_rest(
    verdicts: list[Verdict | None],
) -> None:
    codes = {EXPECTED[verdict] for verdict in verdicts}
    worst = next(code for code in (1, 3, 0) if code in codes)
    assert exit_of_runs(map(document, verdicts)) == worst
