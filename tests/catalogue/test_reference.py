from pathlib import Path

from verifier.catalogue import reference
from verifier.catalogue.families import FAMILIES

ROOT = Path(__file__).parents[2]


def test_the_page_is_current():
    kept = (ROOT / reference.PAGE).read_text(encoding="utf-8")
    assert kept == reference.reference(), "remake it: python -m verifier.catalogue.reference"


def test_the_page_tells_of_every_family_once():
    page = reference.reference()
    for family in FAMILIES:
        assert page.count(f"### `{family.name}`\n") == 1
        assert family.help in page


def test_a_family_without_data_says_why():
    page = reference.reference()
    missing = [family for family in FAMILIES if family.missing]
    assert page.count("Not exported yet: ") == len(missing)
    assert all(family.missing in page for family in missing)


def test_the_page_is_written_below_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reference.main()
    assert (tmp_path / reference.PAGE).read_text(encoding="utf-8") == reference.reference()
