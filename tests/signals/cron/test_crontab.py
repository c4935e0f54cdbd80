"""Crontabs, as Debian's cron reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.signals.cron.crontab import Entry, NotRead, read_crontab

USER_TABLE = r"""
# Edit this file to introduce tasks to be run by cron.
#
# m h  dom mon dow   command
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# *  *  *  *  * user-name command to be executed
SHELL=/bin/bash
MAILTO = "ops@example.com"

# The night's revenue,
# for the finance team.
0 2 * * *   /opt/jobs/revenue.sh --all	# not a comment

*/15 8-18 * jan-mar mon-fri  cd /srv && ./poll.sh
@daily /opt/jobs/backup.sh %input
CRON_TZ=Asia/Tokyo
@reboot /opt/jobs/warm-up.sh
"""


def entries(text, *, with_user=False):
    return list(read_crontab(text, with_user=with_user))


def test_a_users_crontab_gives_its_entries_with_what_stands_above_them():
    revenue, poll, backup, reboot = entries(USER_TABLE)
    assert revenue == Entry(
        line=13,
        expression="0 2 * * *",
        user=None,
        command="/opt/jobs/revenue.sh --all\t# not a comment",
        comments=("The night's revenue,", "for the finance team."),
        environment={"SHELL": "/bin/bash", "MAILTO": "ops@example.com"},
    )
    assert (poll.expression, poll.command) == (
        "*/15 8-18 * jan-mar mon-fri",
        "cd /srv && ./poll.sh",
    )
    assert poll.comments == ()
    assert (backup.expression, backup.command) == ("0 0 * * *", "/opt/jobs/backup.sh %input")
    assert "CRON_TZ" not in backup.environment
    assert (reboot.expression, reboot.environment["CRON_TZ"]) == (None, "Asia/Tokyo")


@pytest.mark.parametrize("above", ["# m h  dom mon dow   command", "# Mail:\nMAILTO=ops", ""])
def test_what_stands_above_something_else_is_no_comment_of_the_entry(above):
    (entry,) = entries(f"# Edit this file\n{above}\n* * * * * x")
    assert entry.comments == ()


def test_a_system_crontab_names_the_user_of_each_entry():
    (entry,) = entries("17 *\t* * *\troot\tcd / && run-parts /etc/cron.hourly\n", with_user=True)
    assert (entry.expression, entry.user) == ("17 * * * *", "root")
    assert entry.command == "cd / && run-parts /etc/cron.hourly"


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("A=1", "A", "1"),
        ("A = 1 2 ", "A", "1 2"),
        ("A=' 1 '", "A", " 1 "),
        ('"A B"="c"', "A B", "c"),
        ("A=", "A", ""),
    ],
)
def test_settings_are_read_with_and_without_quotes(line, name, value):
    (entry,) = entries(f"{line}\n* * * * * x")
    assert entry.environment == {name: value}


@pytest.mark.parametrize(
    "line",
    [
        "* * * * * FOO=1 job.sh",
        "@hourly FOO=1 job.sh",
    ],
)
def test_an_assignment_in_a_command_is_no_setting(line):
    (entry,) = entries(line)
    assert entry.command == "FOO=1 job.sh"


@pytest.mark.parametrize(
    "line",
    [
        "0 2 * *",
        "0 2 * * *",
        "61 2 * * * x",
        "0 2 31 2 * x",
        "@fortnightly x",
        "@daily",
        "0~30 2 * * * x",
        "nonsense",
        "* * * * * echo \x07",
        "* * * * * " + "x" * 1_001,
    ],
)
def test_what_cron_would_not_run_is_told_with_its_line(line):
    first, second = entries(f"{line}\n* * * * * good")
    assert isinstance(first, NotRead)
    assert first.line == 1
    assert second.command == "good"


def test_a_system_entry_without_a_user_or_command_is_told():
    assert all(
        isinstance(each, NotRead) for each in entries("* * * * * x\n@daily root", with_user=True)
    )


@given(st.text(max_size=200))
def test_no_text_whatever_stops_the_reader(text):
    assert entries(text + "\n* * * * * good")[-1].command == "good"
