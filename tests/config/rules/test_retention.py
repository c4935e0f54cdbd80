from datetime import timedelta

import pytest

from verifier.config.codes import Code


def test_what_is_kept_has_defaults(with_top, read):
    kept = read(with_top("")).config.retention
    assert (kept.signals, kept.runs) == (timedelta(days=35), timedelta(days=400))


def test_what_is_kept_can_be_said(with_top, read):
    kept = read(with_top("retention: {signals: 7d, runs: 90d}")).config.retention
    assert (kept.signals, kept.runs) == (timedelta(days=7), timedelta(days=90))
    assert read(with_top("retention: {signals: 90d, runs: 90d}")).config is not None


def test_runs_are_kept_as_long_as_their_signals_at_least(with_top, only):
    problem = only(with_top("retention: {signals: 90d, runs: 30d}"))
    assert (problem.code, problem.path) == (Code.BAD_VALUE, "retention.runs")
    assert "expected at least retention.signals (90d), found 30d" in problem.message


@pytest.mark.parametrize("length", ["12h", "0s", "-1d", "9999d", "forever"])
def test_nothing_is_kept_for_less_than_a_day_or_for_ever(length, with_top, only):
    problem = only(with_top(f"retention: {{signals: {length}}}"))
    assert (problem.code, problem.path) == (Code.BAD_VALUE, "retention.signals")
