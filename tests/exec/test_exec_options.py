"""The command line: what is wrong is said in one line, before anything is touched."""

import ast
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verifier.exec import landed_exec
from verifier.exec.landed_exec import Options, UsageError, Verifier

COMMAND = ["--", "true"]


def refusal(*argv: str) -> str:
    with pytest.raises(UsageError) as error:
        Options(argv)
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "", ".", "..", "-x", ".x", "a/b", "a b", "ä", "a\n", "x" * 101],
)
def test_a_job_name_that_is_a_path_or_no_name_is_refused(name: str) -> None:
    assert "--job: expected 1 to 100 of A-Z a-z 0-9 . _ -" in refusal(f"--job={name}", *COMMAND)


@pytest.mark.parametrize("name", ["a", "0", "daily-revenue", "A.b_c-9", "x" * 100])
def test_a_job_name_of_the_contract_is_taken(name: str) -> None:
    assert Options(["--job", name, *COMMAND]).job == name


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (COMMAND, "--job is missing"),
        (["--job"], "--job needs a value"),
        (["--job", "a"], "the command is missing: landed-exec --job JOB -- COMMAND"),
        (["--job", "a", "--"], "the command is missing: landed-exec --job JOB -- COMMAND"),
        (["--jbo", "a", *COMMAND], "unknown option --jbo"),
        (
            ["--job", "a", "--due", "2026-04-03", *COMMAND],
            "--due: expected an instant with an offset such as 2026-04-03T02:00:00Z, "
            "found '2026-04-03'",
        ),
        (
            ["--job", "a", "--lane", "fast", *COMMAND],
            "--lane: expected live or backfill or rerun or manual, found 'fast'",
        ),
        (
            ["--job", "a", "--lane", "rerun", *COMMAND],
            "--lane rerun needs --due, the occurrence it answers",
        ),
        (
            ["--job", "a", "--attempt", "~x", *COMMAND],
            "--attempt: expected an id that does not begin with ~, found '~x'",
        ),
        (
            ["--job", "a", "--partition", "", *COMMAND],
            "--partition: expected 1 to 500 printable characters, found ''",
        ),
        (["--job", "a", "--partition", "\udcff", *COMMAND], "--partition: expected UTF-8 text"),
        (
            ["--job", "a", "--heartbeat", "often", *COMMAND],
            "--heartbeat: expected a duration such as 30s or 15m, found 'often'",
        ),
        (["--job", "a", "--mode", "repair", *COMMAND], "--mode needs --guard"),
        (
            ["--job", "a", "--guard", "--refused-exit", "256", *COMMAND],
            "--refused-exit: expected 0 to 255, found '256'",
        ),
        (
            ["--job", "a", "--guard", "--override-by", "me", *COMMAND],
            "an override needs both --override-by and --override-reason",
        ),
    ],
)
def test_a_mistake_is_said_in_one_line(argv: list[str], told: str) -> None:
    assert refusal(*argv) == told


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://host", "host:9877", "http://", "http://host:x", "http://host:99999"),
        *("http://user:hunter2@host", "http://host/?key=hunter2", "http://höst", "http://a b"),
        *(
            "http://[::1",
            "http://::1",
            "http://[]",
            "http://[::1]x:1",
            "http://host:1:2",
            "http://host\\@evil",
        ),
    ],
)
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError) as error:
        landed_exec.split_url(url)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://host", ("http", "host", None, "")),
        ("https://host:8443/landed/", ("https", "host", 8443, "/landed")),
        ("http://[::1]:9877", ("http", "::1", 9877, "")),
    ],
)
def test_a_url_has_its_parts(url: str, parts: tuple[str, str, int | None, str]) -> None:
    assert landed_exec.split_url(url) == parts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANDED_TOKEN", "hunter2\nX-Evil: 1"),
        ("LANDED_URL", "user:hunter2@nowhere"),
        ("LANDED_DELIVER_FOR", "hunter2"),
    ],
)
def test_a_slip_in_the_environment_is_told_and_stops_no_job(
    host: Any, name: str, value: str
) -> None:
    host.environment[name] = value
    done = host.run("sh", "-c", "echo ran; exit 3")
    assert (done.returncode, done.stdout) == (3, "ran\n")
    assert done.stderr.startswith(f"landed-exec: {name} is left aside: ")
    assert len(done.stderr.splitlines()) == 1
    assert name == "LANDED_DELIVER_FOR" or "hunter2" not in done.stderr


def test_an_option_wins_over_the_environment_and_an_empty_variable_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANDED_URL", "http://from.environment:1/")
    monkeypatch.setenv("LANDED_SPOOL", str(tmp_path / "environment"))
    assert Verifier(None, None).url == "http://from.environment:1"
    assert Verifier("http://from.option:2", None).url == "http://from.option:2"
    assert Verifier(None, str(tmp_path / "option")).spool == str(tmp_path / "option")
    monkeypatch.setenv("LANDED_URL", "")
    assert Verifier(None, None).url == landed_exec.DEFAULT_URL


def test_everything_after_the_command_is_the_commands_own() -> None:
    argv = ["--job", "a", "--partition=p", "run.sh", "--guard", "--", "-x"]
    options = Options(argv)
    assert options.command == ["run.sh", "--guard", "--", "-x"]
    assert not options.guard
    assert Options(["--job", "a", "--", "--guard"]).command == ["--guard"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("1h", 3600), ("2", 2), ("0", 0)],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert landed_exec.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "1d", "1e3", "nan", "inf", "1 s", ".", "1" * 10])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration such as 30s or 15m"):
        landed_exec.seconds(text)


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 1)))  # noqa: DTZ001
def test_an_instant_is_told_in_utc(moment: datetime) -> None:
    text = landed_exec.instant(moment.isoformat())
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment.astimezone(UTC)


WORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50)
@given(WORDS)
@example("\ud800")
def test_json_made_in_haste_is_json(value: Any) -> None:
    text = landed_exec.to_json(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert "\n" not in text


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = [landed_exec.new_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert [one[:12] for one in ids] == sorted(one[:12] for one in ids)
    assert abs(int(ids[0][:12], 16) / 1000 - datetime.now(UTC).timestamp()) < 60


def test_now_is_told_in_utc_with_microseconds() -> None:
    told = datetime.fromisoformat(landed_exec.now_text())
    assert abs((datetime.now(UTC) - told).total_seconds()) < 60
    assert len(landed_exec.now_text()) == len("2026-04-03T02:00:00.000000Z")


def test_the_file_is_python_3_9() -> None:
    source = Path(landed_exec.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.slow
def test_a_usage_error_is_one_line_and_2_and_touches_nothing(host: Any) -> None:
    for options in (["--job", "../../x"], ["--url", "ftp://x"], ["--no-such-option"]):
        done = host.run("echo", "ran", options=options)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("landed-exec: ")
        assert done.stderr.endswith("(see landed-exec --help)\n")
        assert done.stderr.count("\n") == 1
        assert not host.spool.exists()


@pytest.mark.slow
def test_help_names_every_option(host: Any) -> None:
    done = host.run(options=["--help"])
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert (done.returncode, done.stderr) == (0, "")
    for option in {**landed_exec.PARSERS, **landed_exec.GUARD_PARSERS}:
        assert option in ("-h", "--help") or option in done.stdout
