"""Which job a logged command belongs to."""

import pytest
from pydantic import ValidationError

from verifier.signals.cron.binding import Commands, CronBinding


def bound(**keys):
    return CronBinding(source="hostcron", **keys)


def test_a_command_is_of_the_job_that_declares_exactly_it(job):
    commands = Commands([job("nightly", "/opt/job.sh"), job("weekly", "/opt/job.sh --weekly")])
    assert commands.find("vm", "root", "/opt/job.sh") == "nightly"
    assert commands.find("vm", "root", "/opt/job.sh --weekly") == "weekly"
    assert commands.find("vm", "root", "/opt/job.sh --monthly") is None


def test_user_and_host_tell_the_same_command_apart(job):
    commands = Commands(
        [
            job("a", "/opt/job.sh", user="app"),
            job("b", "/opt/job.sh", user="root", host="db1"),
        ]
    )
    assert commands.find("vm", "app", "/opt/job.sh") == "a"
    assert commands.find("db1", "root", "/opt/job.sh") == "b"
    assert commands.find("db2", "root", "/opt/job.sh") is None


def test_a_command_is_written_as_in_the_crontab(job):
    assert Commands([job("a", r"date +\%F%input")]).find("vm", "root", "date +%F") == "a"


def test_a_job_under_the_wrapper_is_not_counted_twice(job):
    command = "landed-exec --job nightly -- /opt/job.sh"
    assert Commands([job("nightly", command)]).find("vm", "root", command) is None


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({"command": "x"}, {"command": "x"}, True),
        ({"command": "x "}, {"command": "x%input"}, True),
        ({"command": "x"}, {"command": "y"}, False),
        ({"command": "x", "user": "a"}, {"command": "x", "user": "b"}, False),
        ({"command": "x", "user": "a"}, {"command": "x"}, True),
        ({"command": "x", "host": "a"}, {"command": "x", "host": "b"}, False),
        ({"command": "x", "host": "a"}, {"command": "x", "user": "b"}, True),
    ],
)
def test_two_jobs_clash_if_one_line_could_be_of_both(one, other, clash):
    assert bound(**one).clashes(bound(**other)) is clash
    assert bound(**other).clashes(bound(**one)) is clash


def test_a_command_may_have_a_tab_in_it(job):
    assert Commands([job("a", "x\ty")]).find("vm", "root", "x^Iy") == "a"


@pytest.mark.parametrize("user", ["two words", "(root)", "", "x" * 101])
def test_a_user_that_no_log_can_name_is_refused(user):
    with pytest.raises(ValidationError):
        bound(command="x", user=user)
