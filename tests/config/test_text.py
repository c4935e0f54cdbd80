import os
from pathlib import Path

import pytest

from verifier.config.codes import Code
from verifier.config.problem import Problem
from verifier.config.text import MAX_BYTES, read_text


def problem(path: Path) -> Problem:
    found = read_text(path)
    assert isinstance(found, Problem)
    assert found.file == str(path)
    return found


def test_the_text_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "landed.yaml"
    path.write_text("ä: 1\n", encoding="utf-8")
    assert read_text(path) == "ä: 1\n"


def test_a_file_that_is_not_there_is_told_with_the_command_that_writes_one(tmp_path: Path) -> None:
    found = problem(tmp_path / "landed.yaml")
    assert found.code is Code.UNREADABLE
    assert found.hint == "landed init writes one"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert problem(tmp_path).message == "expected a file, found a folder"


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert problem(tmp_path / "pipe").code is Code.UNREADABLE


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_told(name: str) -> None:
    assert problem(Path(name)).code is Code.UNREADABLE


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "landed.yaml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert isinstance(read_text(path), str)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert problem(path).code is Code.TOO_LARGE


def test_bytes_that_are_no_utf_8_are_told_at_their_place(tmp_path: Path) -> None:
    path = tmp_path / "landed.yaml"
    path.write_bytes("ok: ä\nname: ".encode() + "ö".encode("latin-1"))
    found = problem(path)
    assert found.code is Code.NOT_UTF8
    assert (found.line, found.column) == (2, 7)
