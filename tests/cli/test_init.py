from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifier.config.template import TEMPLATE
from verifier.content.packs import pack, packs

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


def test_a_pack_is_written_with_its_comments_and_is_valid(empty: Path, landed: Landed) -> None:
    assert landed("init", "--pack", "notification-batch").code == 0
    assert Path("landed.yaml").read_text() == pack("notification-batch")
    assert landed("validate").code == 0


def test_a_pack_is_not_written_over_a_file_either(empty: Path, landed: Landed) -> None:
    Path("landed.yaml").write_text("mine")
    assert landed("init", "--pack", "billing-close").code == 2
    assert Path("landed.yaml").read_text() == "mine"
    assert landed("init", "--pack", "billing-close", "--force").code == 0
    assert Path("landed.yaml").read_text() == pack("billing-close")


@pytest.mark.parametrize("name", ["billing", "example", "../checks/billing-close", "", "a\x1b[31m"])
def test_for_a_pack_that_is_none_those_that_exist_are_told(
    empty: Path, landed: Landed, name: str
) -> None:
    told = landed("init", "--pack", name)
    assert (told.code, told.out) == (2, "")
    assert all(known in told.err for known in packs())
    assert "\x1b" not in told.err
    assert not Path("landed.yaml").exists()


def test_the_packs_are_listed_each_with_what_it_is_for(empty: Path, landed: Landed) -> None:
    told = landed("init", "--packs")
    assert told.code == 0
    assert max(map(len, told.out.splitlines())) <= 80
    assert [line for line in told.out.splitlines() if line[0] != " "] == list(packs())
    words = [word for name, about in packs().items() for word in (name, *about.split())]
    assert told.out.split() == words
    listed = landed("init", "--packs", "--json").json["packs"]
    assert listed == [{"name": name, "about": about} for name, about in packs().items()]
    assert not Path("landed.yaml").exists()
