"""The documentation says what the program does, and its links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def _pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("pages", Path(__file__).with_name("pages.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: made() for name, made in module.PAGES.items()}


def test_the_reference_is_what_the_models_say_today() -> None:
    stale = [
        name
        for name, text in _pages().items()
        if (ROOT / "docs/reference" / name).read_text() != text
    ]
    assert stale == [], "run scripts/docs and commit what it wrote"


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_leads_to_a_file(page: Path) -> None:
    dead = [
        target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()
    ]
    assert dead == []


def test_readme_starts_with_the_two_commands() -> None:
    first = (ROOT / "README.md").read_text().split("```sh", 1)[1].split("```", 1)[0]
    assert [line.split()[0] for line in first.strip().splitlines()] == [
        "scripts/run",
        "scripts/test",
    ]
