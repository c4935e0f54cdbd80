import subprocess
import sys

import pytest

from verifier.cli import entry

HEAVY = ("typer", "rich", "sqlalchemy", "pydantic", "msgspec", "httpx", "ruamel", "json", "logging")


@pytest.mark.parametrize(
    "words", [["exec", "--help"], ["signal", "--help"], ["exec", "--nonsense"]]
)
def test_the_wrappers_commands_load_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\n"
        "from verifier.cli.entry import main\n"
        f"main({words!r})\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.endswith("loaded: []\n")


def test_exec_gets_its_own_words_and_gives_its_own_exit_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert entry.main(["exec", "--job", "../../x", "--", "true"]) == 2
    assert "--job" in capfd.readouterr().err


def test_signal_gets_its_own_words_and_gives_its_own_exit_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert entry.main(["signal", "no-such-kind", "--job", "x"]) == 2
    assert "no-such-kind" in capfd.readouterr().err


def test_everything_else_goes_to_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("landed ")


def test_the_process_has_the_exit_code_of_the_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "verifier.cli.entry", "explain"], capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert "RUN" in ended.stderr
    assert "Traceback" not in ended.stderr
