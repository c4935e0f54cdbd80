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


def landed(*words: str) -> subprocess.CompletedProcess[str]:
    """Its own process: the wrapper blocks signals, and whoever starts it would keep that."""
    return subprocess.run(
        [sys.executable, "-m", "verifier.cli.entry", *words], capture_output=True, text=True
    )


def test_exec_gets_its_own_words_and_gives_its_own_exit_code() -> None:
    told = landed("exec", "--job", "../../x", "--", "true")
    assert told.returncode == 2
    assert "--job" in told.stderr


def test_signal_gets_its_own_words_and_gives_its_own_exit_code() -> None:
    told = landed("signal", "no-such-kind", "--job", "x")
    assert told.returncode == 2
    assert "no-such-kind" in told.stderr


def test_everything_else_goes_to_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("landed ")


def test_the_process_has_the_exit_code_of_the_command() -> None:
    ended = landed("explain")
    assert ended.returncode == 2
    assert "RUN" in ended.stderr
    assert "Traceback" not in ended.stderr
