"""Whatever stands in the file: problems with their places, in bounded time, and no secret."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.config.load import Reading, read_config

EXAMPLE = (Path(__file__).parents[2] / "checks" / "example.yaml").read_text()
SECRET = "hunter2-swordfish"
TEXT = """\
version: 1
listen: 127.0.0.1:9877
tokens: {ingest: ["${TOKEN}"], operate: {oncall: "${SECRET}-${SECRET}"}}
defaults: {timezone: "${ZONE}"}
stores:
  shop: {type: sql, url: "${URL}"}
jobs:
  daily:
    statement: Every region once. ${SECRET}
    schedule: {cron: "0 2 * * *"}
    covers: previous-day
    class: one-result
    owner: ${SECRET}
    surfaces: [{name: table, kind: append}, {name: mail, kind: external, checks: [sent]}]
    checks:
      - {type: scope, name: rows, store: shop, table: t, key: [k], where: "day = :day",
         surface: table, expected: {store: shop, sql: "select ${SECRET}"}}
      - {type: row_count, name: sent, store: shop, sql: "select 1 -- ${SECRET}", ge: 1}
"""
ENVIRON = {
    "TOKEN": f"token-{SECRET}",
    "SECRET": SECRET,
    "ZONE": "Europe/Berlin",
    "URL": f"sqlite:////srv/{SECRET}.db",
}
SIGNS = st.sampled_from(
    [*"\t\n :-,[]{}&*!|>'\"%@#?~\\$", "${", "}", ": ", "\n- ", "<<: ", "&a ", "*a"]
)
WORDS = st.sampled_from(
    ["null", "5", "-1", "1e999", "true", "[]", "{}", "${SECRET}", "${NONE}", "x: y", "day", ":x"]
)


@st.composite
def mutated(draw: Any, text: str) -> str:
    """``text`` with a few pieces cut out, put in, doubled or swapped."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:start] + draw(SIGNS | WORDS) + text[start:]
            case 2:
                text = text[:end] + text[start:end] + text[end:]
            case _:
                lines = text.split("\n")
                line = draw(st.integers(0, len(lines) - 1))
                text = "\n".join([*lines[:line], *lines[line + 1 :], lines[line]])
    return text


def judged(text: str) -> Reading:
    began = time.monotonic()
    reading = read_config(text, "landed.yaml", ENVIRON)
    assert time.monotonic() - began < 5
    for problem in reading.problems:
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.column >= 1
        assert problem.message.startswith("expected ")
        assert "\n" not in str(problem)
        assert len(str(problem)) < 2000
    assert reading.config is not None or reading.problems
    return reading


def test_the_text_that_is_mutated_holds() -> None:
    assert judged(TEXT).problems == ()
    assert judged(EXAMPLE).problems == ()


def test_no_secret_is_in_what_is_kept() -> None:
    config = judged(TEXT).config
    assert config is not None
    assert SECRET not in repr(config.job("daily").document)


@pytest.mark.slow
@settings(max_examples=12000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(TEXT))
def test_whatever_is_changed_no_secret_comes_out_and_nothing_is_raised(text: str) -> None:
    for problem in judged(text).problems:
        assert "hunter" not in str(problem)
        assert "swordfish" not in str(problem)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(EXAMPLE))
def test_whatever_is_changed_in_a_larger_file_is_told_with_its_place(text: str) -> None:
    judged(text)


PATHS = [
    ("stores", "shop", "url"),
    ("tokens", "ingest", 0),
    ("tokens", "operate"),
    ("tokens",),
    ("password",),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"postgresql://landed:{SECRET}@db/x",
        f"postgresql://landed:x@{SECRET}:{SECRET}/x",
        f"{SECRET}://x",
        f"x://{SECRET}",
        f"{{{SECRET}}}",
        f"{{{SECRET}: {SECRET}, {SECRET}: {SECRET}}}",
        f"[{SECRET}, {SECRET}]",
        f"[[{SECRET}]]",
        f"{{x: {SECRET}}}",
        f"*{SECRET}",
        f"!{SECRET} x",
        f'"{SECRET}',
        f"${{{{{SECRET}",
        f"'{SECRET}' {SECRET}",
    ],
)
def test_a_secret_that_is_written_at_its_key_in_any_way_is_not_shown(
    path: tuple[str | int, ...], value: str
) -> None:
    text = "version: 1\njobs: {}\n"
    shown = value
    for key in reversed(path):
        shown = f"[{shown}]" if isinstance(key, int) else f"{{{key}: {shown}}}"
    text += shown[1:-1] + "\n"
    reading = read_config(text, "landed.yaml", ENVIRON)
    assert reading.problems
    for problem in reading.problems:
        assert "hunter" not in str(problem)
        assert "swordfish" not in str(problem)
