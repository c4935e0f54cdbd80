import sqlite3
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Landed = Callable[..., Any]


def test_explain_tells_one_run_document(home: Any, landed: Landed) -> None:
    told = landed("explain", f"revenue/{home.lied}", "--json")
    assert told.code == 0
    assert told.json["run"] == f"revenue/{home.lied}"
    assert told.json["verdict"] == "partial"
    assert told.json["advice"]["action"] == "reconcile_first"
    assert told.err == ""


def test_the_story_says_what_was_said_what_is_true_and_what_to_do(
    home: Any, landed: Landed
) -> None:
    story = landed("explain", f"revenue/{home.lied}").out
    assert story.startswith(f"revenue/{home.lied}\npartial, reported succeeded, a false success\n")
    assert "do next: reconcile_first (" in story
    assert "2 of 3 there, 1 missing" in story
    assert "missing keys: R3" in story
    assert "open became partial" in story


def test_the_story_of_a_run_that_nobody_could_tell_names_why(home: Any, landed: Landed) -> None:
    story = landed("explain", f"revenue/{home.ambiguous}").out
    assert "could not tell: unreachable" in " ".join(story.split())
    assert "exit code 137" in " ".join(story.split())


def test_a_run_is_explained_by_its_id_too(home: Any, landed: Landed) -> None:
    run_id = landed("explain", f"revenue/{home.lied}", "--json").json["run_id"]
    assert landed("explain", run_id).out.startswith(f"revenue/{home.lied}\n")


@pytest.mark.parametrize("which", ["verified", "lied", "missing", "ambiguous"])
def test_the_story_fits_the_width_whatever_the_names_are(
    home: Any, landed: Landed, which: str
) -> None:
    for job in ("revenue", home.long):
        story, _, _ = landed("explain", f"{job}/{getattr(home, which)}").out.partition("To paste")
        assert max(map(len, story.splitlines())) <= 80


def test_texts_of_others_are_shown_and_never_obeyed(home: Any, landed: Landed) -> None:
    told = landed("explain", f"revenue/{home.ambiguous}").out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\\x1b[31mred" in told
    assert "[bold red]markup[/bold red]" in told
    assert "[red]finance[/red]" in told


def test_the_sql_to_paste_shows_what_the_check_saw(home: Any, landed: Landed) -> None:
    story = landed("explain", f"revenue/{home.lied}").out
    block = story.partition("To paste into an SQL client\n")[2]
    block = block.partition("\nTo paste into a shell")[0]
    statements = [each for each in block.split("\n;") if each.strip()]
    with sqlite3.connect(home.path / "warehouse.db") as warehouse:
        answers = [warehouse.execute(each).fetchall() for each in statements]
    warehouse.close()
    assert answers == [[("R1", 1), ("R2", 1)], [("R1",), ("R2",), ("R3",)]]


def test_the_shell_block_holds_the_safe_command_and_the_forbidden_one_as_a_comment(
    home: Any, landed: Landed
) -> None:
    story = landed("explain", f"revenue/{home.lied}").out
    block = story.partition("To paste into a shell\n")[2]
    recorder = 'landed() { for word; do printf "%s|" "$word"; done; echo; }\n'
    told = subprocess.run(
        ["sh", "-c", recorder + block], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines() == [
        f"verify|revenue|--due|{home.lied}|",
        f"act|reconcile|revenue/{home.lied}|--by|YOU|--reason|WHY|",
    ]
    assert f"#   landed exec --job revenue --due {home.lied} -- COMMAND" in block


def test_the_safe_commands_are_commands(home: Any, landed: Landed) -> None:
    commands = landed("explain", f"revenue/{home.lied}", "--json").json["advice"]["commands"]
    codes = [landed(*_words(command)).code for command in commands]
    # The second wants a name and a reason first: pasted as it is, it closes nothing.
    assert codes == [1, 2]


def _words(command: str) -> list[str]:
    told = subprocess.run(
        ["sh", "-c", f'printf "%s\\n" {command.removeprefix("landed ")}'],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


@pytest.mark.parametrize(
    "run", ["nope", "revenue/2000-01-01T00:00:00Z", "revenue/friday", "nope/2026-04-03T00:00:00Z"]
)
def test_a_run_that_is_not_known_is_a_mistake(home: Any, landed: Landed, run: str) -> None:
    told = landed("explain", run)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("landed: ")
