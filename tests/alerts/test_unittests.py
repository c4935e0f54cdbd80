"""Stories are written as promtool reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.alerts.cases import NOBODYS_JOB
from verifier.alerts.inventory import Entry
from verifier.alerts.unittests import encode, unit_tests
from verifier.runs.declaration import Severity

Values = list[float | None]


def decoded(text: str) -> Values:
    """What promtool makes of it: a gap, or a first value and equal steps."""
    values: Values = []
    for word in text.split(" "):
        if word[0] == "_":
            values += [None] * (int(word[2:]) if len(word) > 1 else 1)
        elif word == "stale":
            values.append(None)
        elif "x" in word:
            first, _, rest = word.partition("+")
            step, _, times = rest.partition("x")
            values += [float(first) + float(step) * n for n in range(int(times) + 1)]
        else:
            values.append(float(word))
    return values


@given(st.lists(st.sampled_from([None, 0.0, 1.0, 60.0, 120.0, 180.0]), min_size=1, max_size=30))
def test_values_are_read_back_as_they_were(values: Values) -> None:
    assert decoded(encode(values)) == values


def test_runs_are_short_and_a_gap_begins_as_a_scraper_marks_it() -> None:
    assert encode([None, None, 0, 60, 120, None, None, 5]) == "_ _x1 0+60x2 stale _x1 5"


def test_a_job_with_the_name_that_the_stories_need_is_refused() -> None:
    entry = Entry(job=NOBODYS_JOB, severity=Severity.PAGE, owner="", statement="", runbook="")
    with pytest.raises(ValueError, match=NOBODYS_JOB):
        unit_tests([entry])


def test_without_jobs_the_verifier_is_still_tested() -> None:
    text = unit_tests([])
    assert "LandedVerifierAbsent" in text
    assert "LandedRunMissing" not in text
