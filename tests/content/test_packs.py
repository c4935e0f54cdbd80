"""What every ready-made pack has in common."""

import re
from pathlib import Path

import pytest

from verifier.config.load import read_config
from verifier.content.packs import pack, packs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/packs.md").read_text()
NAMES = list(packs())


def test_the_packs_are_those_of_the_folder_but_for_the_example() -> None:
    files = {path.stem for path in (ROOT / "checks").glob("*.yaml")}
    assert set(NAMES) == files - {"example"}
    assert len(NAMES) == 7


def test_what_a_pack_is_for_is_one_line_whose_end_is_that_of_a_sentence() -> None:
    for about in packs().values():
        assert re.fullmatch(r"[^\n#]+\.", about)


@pytest.mark.parametrize("name", ["example", "../pyproject", "", "no-such-pack"])
def test_what_is_no_pack_is_not_given(name: str) -> None:
    with pytest.raises(KeyError):
        pack(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_holds_as_it_is_without_a_warning(name: str) -> None:
    reading = read_config(pack(name), f"{name}.yaml", {})
    assert reading.problems == ()
    assert reading.config is not None
    assert all(job.declaration.statement for job in reading.config.jobs.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_comment_before_each_check_says_what_it_proves_and_what_it_cannot(name: str) -> None:
    comments = re.findall(r"((?:^      # .*\n)+)      - type: ", pack(name), re.MULTILINE)
    assert len(comments) == len(re.findall(r"^      - type: ", pack(name), re.MULTILINE))
    for comment in comments:
        assert "Proves" in comment or "The same" in comment
        assert "annot" in comment or "The same" in comment


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_has_its_row_in_the_docs_with_all_its_checks(name: str) -> None:
    config = read_config(pack(name), "", {}).config
    assert config is not None
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    for job in config.jobs.values():
        assert job.declaration.statement in row
        for check in job.checks:
            assert f"`{check.name}`" in row


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_is_tested_by_planted_defects_and_each_check_notices_one(name: str) -> None:
    tests = (ROOT / "tests/packs" / f"test_{name.replace('-', '_')}.py").read_text()
    config = read_config(pack(name), "", {}).config
    assert config is not None
    for job in config.jobs.values():
        for check in job.checks:
            assert f'"{check.name}": "violated' in tests
