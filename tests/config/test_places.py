"""Where something of a configuration stands in its file."""

from pathlib import Path

from verifier.config.places import places

TEXT = """\
version: 1
stores:
  shop: {type: sql, url: x}
"""


def test_a_path_is_told_with_its_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "landed.yaml"
    file.write_text(TEXT)
    place = places(str(file))
    assert place(("stores", "shop", "type")) == f"{file}:3:16 stores.shop.type"
    assert place(("stores", "shop", "lock_timeout")) == f"{file}:3:9 stores.shop.lock_timeout"


def test_a_file_that_cannot_be_read_any_more_is_told_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "landed.yaml"
    assert places(str(file))(("jobs", "revenue")) == f"{file} jobs.revenue"
    file.write_text("version: [")
    assert places(str(file))(("jobs", "revenue")) == f"{file} jobs.revenue"
