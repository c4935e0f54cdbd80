import os
from pathlib import Path
from typing import Any

import pytest

from verifier.config.codes import Code
from verifier.config.interpolate import interpolate, references
from verifier.config.problem import Problem
from verifier.config.reporter import Reporter, Subject


def resolved(content: Any, **environ: str) -> tuple[Any, list[Problem]]:
    subject = Subject(file="landed.yaml", written=content, value=content, document=None)
    return interpolate(content, environ, Reporter(subject)), subject.problems


def test_a_variable_is_replaced_wherever_it_stands() -> None:
    content = {"a": ["x ${ONE}-${TWO}", 5, None, True]}
    assert resolved(content, ONE="1", TWO="2") == ({"a": ["x 1-2", 5, None, True]}, [])
    assert content == {"a": ["x ${ONE}-${TWO}", 5, None, True]}


def test_what_a_variable_holds_is_neither_read_again_nor_made_structure() -> None:
    value, problems = resolved("${ONE}", ONE="${TWO}: [1]\n- x")
    assert (value, problems) == ("${TWO}: [1]\n- x", [])


def test_a_doubled_dollar_stands_for_itself() -> None:
    assert resolved("$${ONE} $$ $5 {x}", ONE="1") == ("${ONE} $$ $5 {x}", [])


def test_an_empty_variable_is_set() -> None:
    assert resolved("<${ONE}>", ONE="") == ("<>", [])


def test_each_missing_variable_is_named_at_its_path() -> None:
    value, problems = resolved({"a": "${ONE} ${TWO}", "b": ["${ONE}"]})
    assert value == {"a": "${ONE} ${TWO}", "b": ["${ONE}"]}
    assert [(each.code, each.path) for each in problems] == [
        (Code.MISSING_VARIABLE, "a"),
        (Code.MISSING_VARIABLE, "a"),
        (Code.MISSING_VARIABLE, "b[0]"),
    ]
    assert "variable ONE to be set" in problems[0].message
    assert "variable TWO to be set" in problems[1].message


def test_a_file_is_read_without_its_last_line_break(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    for text in ("hunter2", "hunter2\n", "hunter2\r\n"):
        secret.write_text(text, newline="")
        assert resolved(f"${{file:{secret}}}") == ("hunter2", [])


def missing_file(path: object) -> str:
    _, problems = resolved(f"${{file:{path}}}")
    assert [each.code for each in problems] == [Code.MISSING_FILE]
    return problems[0].message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path}/none" in missing_file(f"{tmp_path}/none")
    assert "none there" in missing_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "none there" in missing_file(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes(b"\xff")
    assert "UTF-8" in missing_file(tmp_path / "latin")
    (tmp_path / "large").write_bytes(b"x" * (64 * 1024 + 1))
    assert "64 KiB" in missing_file(tmp_path / "large")
    assert "none there" in missing_file("/" + "x" * 5000) or "read the file" in missing_file(
        "/" + "x" * 5000
    )


def test_a_file_name_that_cannot_be_is_told_and_not_raised() -> None:
    assert missing_file("/run/\0secret")


@pytest.mark.parametrize(
    "text", ["${}", "${1X}", "${A B}", "${file:relative}", "${NEVER", "${A-default}", "${A${B}}"]
)
def test_a_reference_that_is_none_is_told(text: str) -> None:
    _, problems = resolved(text, B="b")
    assert {each.code for each in problems} == {Code.BAD_REFERENCE}


def test_the_paths_of_references_are_found() -> None:
    content = {"a": "x", "b": ["$${A}", "${A}", {"c": "${"}], "d": 1}
    assert list(references(content)) == [("b", 1), ("b", 2, "c")]
