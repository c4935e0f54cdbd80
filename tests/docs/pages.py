"""The pages of docs/reference, each with what it is made by; as a script, writes them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from verifier.checks.registry import CHECK_TYPES
from verifier.config import reference

FOLDER = Path(__file__).parents[2] / "docs/reference"

PAGES: dict[str, Callable[[], str]] = {
    "landed-yaml.md": reference.landed_yaml,
    "errors.md": reference.errors,
    **{f"checks/{name}.md": partial(reference.check_page, name) for name in CHECK_TYPES},
}

if __name__ == "__main__":
    for name, made in PAGES.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(made())
