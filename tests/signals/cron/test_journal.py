"""The journal of systemd, read by the real journalctl from files made for it."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from verifier.signals.cron import journal
from verifier.signals.source import SourceUnavailable

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(arguments, cursor=None, since=START):
    return list(journal.pages(cursor, since, arguments))


def messages(pages):
    return [line.message for page in pages for line in page.lines]


def test_what_cron_wrote_is_read_with_its_time_host_and_pid(make_journal, exported):
    (page,) = read(make_journal(exported(1, b"(root) CMD ([7] x)")))
    (line,) = page.lines
    assert (line.at, line.host, line.pid) == (START + timedelta(seconds=1), "vm", 101)
    assert line.message == "(root) CMD ([7] x)"


def test_what_others_wrote_in_its_name_is_not(make_journal, exported):
    entries = [
        exported(1, b"(root) CMD ([7] x)", uid=1000),
        exported(2, b"(root) CMD ([8] x)", identifier="CROND"),
        exported(3, b"good"),
    ]
    assert messages(read(make_journal(*entries))) == ["good"]


def test_reading_goes_on_after_the_cursor(make_journal, exported):
    entries = [exported(number, b"%d" % number) for number in range(5)]
    arguments = make_journal(*entries)
    (first,) = read(arguments)
    assert messages([first]) == ["0", "1", "2", "3", "4"]
    assert read(arguments, first.cursor) == []
    # All entries, so that the cursors are the same.
    middle = json.loads(
        subprocess.run(
            ["journalctl", *arguments, "--output=json", "--lines=3", "--no-pager"],
            capture_output=True,
            check=True,
        ).stdout.splitlines()[0]
    )["__CURSOR"]
    (rest,) = read(arguments, middle)
    assert (messages([rest]), rest.lost) == (["3", "4"], False)


def test_a_cursor_whose_entry_is_gone_tells_that_something_is_lost(make_journal, exported):
    (old,) = read(make_journal(exported(1, b"old"), name="old"))
    arguments = make_journal(exported(5, b"new"), exported(6, b"newer"), name="new")
    (page,) = read(arguments, old.cursor)
    assert (messages([page]), page.lost) == (["new", "newer"], True)


def test_many_entries_come_in_pages(make_journal, exported, monkeypatch):
    monkeypatch.setattr(journal, "ENTRIES", 2)
    pages = read(make_journal(*(exported(n, b"%d" % n) for n in range(5))))
    assert [len(page.lines) for page in pages] == [2, 2, 1]
    assert [page.cursor for page in pages] == sorted({page.cursor for page in pages})


def test_messages_that_are_no_text_or_too_long_are_counted(make_journal, exported):
    entries = [exported(1, b"bad \xff"), exported(2, b"y" * 200_000), exported(3, b"good")]
    pages = read(make_journal(*entries))
    assert messages(pages) == ["good"]
    assert sum(page.unreadable + page.too_long for page in pages) == 2


def test_a_journal_in_which_cron_wrote_nothing_is_heard_all_the_same(make_journal, exported):
    assert read(make_journal(exported(1, b"x", identifier="sshd"))) == []


def test_a_journal_that_shows_nothing_at_all_is_not_taken_for_a_quiet_one(make_journal, exported):
    arguments = make_journal(exported(1, b"only a user's", uid=1000))
    with pytest.raises(SourceUnavailable, match="systemd-journal"):
        read(arguments)


def test_a_journal_that_cannot_be_read_says_why(make_journal, exported, tmp_path):
    make_journal(exported(1, b"x"))
    with pytest.raises(SourceUnavailable, match="journalctl ended with 1"):
        read([f"--file={tmp_path}/none.journal", "--cursor=nonsense"])


def test_without_journalctl_that_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceUnavailable, match="journalctl cannot be run: No such file"):
        read([])


@pytest.mark.parametrize("entry", [b"", b"[]", b'{"MESSAGE": "x"}', b'{"__CURSOR"', b"\xff"])
def test_what_is_no_entry_is_refused(entry):
    with pytest.raises(ValueError):  # noqa: PT011 - any of msgspec's
        journal.read_entry(entry)
