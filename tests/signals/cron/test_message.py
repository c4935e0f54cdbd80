"""What cron says of a job, word for word."""

import pytest

from verifier.signals.cron.message import CutOff, Ended, Failed, Started, read_message


def test_a_start_names_user_command_and_pid():
    assert read_message("(app) CMD ([32097] /opt/job.sh --a (b))") == Started(
        "app", "/opt/job.sh --a (b)", 32097
    )


def test_a_start_at_the_default_level_has_no_pid():
    assert read_message("(root) CMD (sleep 20)") == Started("root", "sleep 20", None)


def test_spaces_around_a_command_do_not_matter():
    assert read_message("(root) CMD ([1] date   )") == Started("root", "date", 1)


def test_an_end_says_nothing_of_how():
    assert read_message("(root) END ([32098] sleep 75)") == Ended("root", "sleep 75", 32098)


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("(CRON) error (grandchild #7 failed with exit status 3)", Failed(7, 3, None)),
        ("(CRON) error (grandchild #7 terminated by signal 9)", Failed(7, None, 9)),
        ("(CRON) error (grandchild #7 terminated by signal 11, dumped core)", Failed(7, None, 11)),
    ],
)
def test_a_failure_names_the_pid_and_how_it_ended(text, failed):
    assert read_message(text) == failed


@pytest.mark.parametrize(
    "text",
    [
        "(CRON) info (No MTA installed, discarding output)",
        "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
        "message repeated 2 times: [ (root) CMD (x)]",
        "(root) RELOAD (crontabs/root)",
        "(CRON) error (can't fork)",
        "(root) MAIL (mailed 40 bytes of output)",
        "",
    ],
)
def test_other_messages_tell_of_no_job(text):
    assert read_message(text) is None


def test_a_command_that_lost_its_end_is_not_taken_for_a_shorter_one():
    with pytest.raises(CutOff):
        read_message("(root) CMD ([7] /opt/job.sh --all --re")
