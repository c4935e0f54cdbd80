"""The pages of docs/reference, each with what it is made by; as a script, writes them."""

from collections.abc import Callable
from pathlib import Path

from verifier.config import reference

FOLDER = Path(__file__).parents[2] / "docs/reference"

PAGES: dict[str, Callable[[], str]] = {
    "landed-yaml.md": reference.landed_yaml,
    "errors.md": reference.errors,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made())
