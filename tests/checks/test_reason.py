"""Why a check could not tell, and what can be done about it."""

import re
from pathlib import Path

from verifier.checks.reason import UnknownReason
from verifier.runs.evaluation import BY_CORRECTION


def test_each_reason_that_only_a_correction_takes_away_is_one_that_a_check_gives() -> None:
    assert set(UnknownReason) >= BY_CORRECTION


def test_no_reason_that_passes_by_itself_asks_for_a_correction() -> None:
    passing = {"unreachable", "timed_out", "locked", "recovery_needed", "interrupted"}
    assert not BY_CORRECTION & passing


def test_the_documentation_names_each_reason_that_asks_for_a_correction() -> None:
    text = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
    _, _, rest = text.partition("asking again as it is cannot help:")
    listed, _, _ = rest.partition("The advice is then `correct_check`")
    assert set(re.findall(r"`(\w+)`", listed)) == BY_CORRECTION
