from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifier.config.template import TEMPLATE

Landed = Callable[..., Any]


def test_a_configuration_is_written_that_is_valid(empty: Path, landed: Landed) -> None:
    told = landed("init")
    assert told.code == 0
    assert "landed validate" in told.out
    assert Path("landed.yaml").read_text() == TEMPLATE
    assert landed("validate").code == 0


def test_the_path_can_be_chosen(empty: Path, landed: Landed) -> None:
    assert landed("init", "mine.yaml", "--json").json == {"path": "mine.yaml"}
    assert Path("mine.yaml").exists()


def test_a_file_is_written_over_only_when_forced(empty: Path, landed: Landed) -> None:
    Path("landed.yaml").write_text("mine")
    refused = landed("init")
    assert (refused.code, refused.out) == (2, "")
    assert "--force" in refused.err
    assert Path("landed.yaml").read_text() == "mine"
    assert landed("init", "--force").code == 0
    assert Path("landed.yaml").read_text() == TEMPLATE


@pytest.mark.parametrize("path", ["nowhere/landed.yaml", ".", "x" * 300])
def test_a_place_that_cannot_be_written_is_a_mistake(
    empty: Path, landed: Landed, path: str
) -> None:
    told = landed("init", path)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("landed: ")
