import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.cli.text import (
    minutes,
    next_text,
    plain,
    plain_lines,
    seconds,
    to_minute,
    verdict_word,
)
from verifier.runs.advice import AdviceAction


@given(st.text())
def test_no_text_holds_anything_that_a_terminal_obeys(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in shown)


@given(st.text())
def test_lines_are_kept_where_they_are_meant(text: str) -> None:
    assert len(plain_lines(text).split("\n")) == len(text.split("\n"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("[red]Zürich[/red]", "[red]Zürich[/red]"),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def run(
    verdict: str | None, checks: list[Any], state: str = "judged", partition: str | None = None
) -> dict[str, Any]:
    return {"verdict": verdict, "checks": checks, "state": state, "partition": partition}


def test_a_run_that_nobody_asked_to_prove_is_not_checked() -> None:
    assert verdict_word(run("unproven", [])) == "not checked"


def test_a_run_whose_check_could_not_be_asked_is_unproven() -> None:
    assert verdict_word(run("unproven", [{}])) == "unproven"


@pytest.mark.parametrize(
    ("verdict", "state", "reasons", "word"),
    [
        ("unproven", "judged", ["no_partition"], "not listed"),
        (None, "waiting", ["no_partition", "no_partition"], "not listed"),
        (None, "running", ["no_partition"], "running"),
        ("unproven", "judged", ["no_partition", "unreachable"], "unproven"),
        ("absent", "judged", ["no_partition"], "absent"),
    ],
)
def test_a_partition_that_nobody_listed_is_named_so(
    verdict: str | None, state: str, reasons: list[str], word: str
) -> None:
    checks = [{"reason": each} for each in reasons]
    assert verdict_word(run(verdict, checks, state, "acmee")) == word
    assert verdict_word(run(verdict, checks, state)) in (verdict, state)


def test_a_run_without_a_verdict_shows_its_state() -> None:
    assert verdict_word(run(None, [{}], "running")) == "running"


def test_every_action_of_advice_is_put_in_words() -> None:
    for action in AdviceAction:
        assert "(" in next_text(action).plain


def test_wrong_rows_are_not_to_be_written_again_before_the_cause_is_known() -> None:
    assert "find the cause" in next_text("repair_rerun", "wrong").plain
    assert "it repairs itself" in next_text("repair_rerun", "partial").plain


def test_what_a_newer_verifier_advises_is_told_as_it_is() -> None:
    assert next_text("sleep", "wrong").plain == "sleep"
    assert next_text("repair_rerun", "strange").plain == "repair_rerun"


def test_instants_are_utc_and_no_longer_than_they_must_be() -> None:
    assert minutes("2026-04-03T02:00:00Z") == "2026-04-03T02:00Z"
    assert minutes("2026-04-03T02:00:10Z") == "2026-04-03T02:00:10Z"
    assert minutes(None) == "-"
    assert seconds("2026-04-03T02:00:10.123456Z") == "2026-04-03T02:00:10Z"
    assert to_minute("2026-04-03T02:00:59.9Z") == "2026-04-03T02:00Z"
    assert to_minute(None) == "-"
