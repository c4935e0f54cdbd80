"""Commands as crontabs have them, and as cron logged them (in recordings)."""

import pytest

from verifier.signals.cron.command import as_logged, is_wrapped


@pytest.mark.parametrize(
    ("written", "logged"),
    [
        ("/opt/job.sh --all", "/opt/job.sh --all"),
        (r"date +\%Y > /dev/null   ", "date +%Y > /dev/null"),
        ("cat > /dev/null; exit 3%line one%line two", "cat > /dev/null; exit 3"),
        (r"echo 'a\\b' \"ü\" > /dev/null", r"echo 'a\b' \"\303\274\" > /dev/null"),
        (r"echo a\n", r"echo a\n"),
        ("echo a\tb", "echo a^Ib"),
        ("echo \x7f", "echo ^?"),
    ],
)
def test_a_command_is_logged_as_it_is_run(written, logged):
    assert as_logged(written) == logged


@pytest.mark.parametrize(
    "command",
    [
        "landed-exec --job nightly -- /opt/job.sh",
        "/usr/local/bin/landed-exec --job nightly -- /opt/job.sh",
        "cd /opt && landed exec --job nightly -- ./job.sh",
        "python3 -I -S /usr/local/lib/landed_exec.pyc --job nightly -- /opt/job.sh",
    ],
)
def test_a_command_under_the_wrapper_is_known(command):
    assert is_wrapped(command)


@pytest.mark.parametrize("command", ["/opt/landed-executive.sh", "echo unlanded exec", "landed"])
def test_other_commands_are_not_taken_for_wrapped_ones(command):
    assert not is_wrapped(command)
