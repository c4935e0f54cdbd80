"""A log that is read on and on: nothing is lost, whatever becomes of the file."""

import gzip
import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.signals.cron.tail import LINE, Position, pages, split

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Log:
    """A log that is written, rotated and read, and what was read of it so far."""

    def __init__(self, folder):
        self.path = folder / "syslog"
        self.path.touch()
        self.position = None
        self.read = []
        self.lost = self.too_long = self.cut_off = 0
        self.until = LONG_AGO

    def write(self, data, name="syslog"):
        with (self.path.parent / name).open("ab") as opened:
            opened.write(data)

    def shift(self):
        for number in range(30, 0, -1):
            for end in (".gz", ""):
                old = self.path.with_name(f"syslog.{number}{end}")
                if old.exists():
                    old.rename(self.path.with_name(f"syslog.{number + 1}{end}"))

    def rotate(self, *, create=True):
        self.shift()
        self.path.rename(self.path.with_name("syslog.1"))
        if create:
            self.path.touch()

    def copytruncate(self):
        self.shift()
        shutil.copy2(self.path, self.path.with_name("syslog.1"))
        os.truncate(self.path, 0)

    def compress(self, name):
        old = self.path.with_name(name)
        new = self.path.with_name(f"{name}.gz")
        with old.open("rb") as source, gzip.open(new, "wb") as target:
            shutil.copyfileobj(source, target)
        shutil.copystat(old, new)
        old.unlink()

    def poll(self, size=LINE + 1):
        for page in pages(self.path, self.position, self.until, size):
            self.read += page.lines
            self.position = page.position
            self.lost += page.lost
            self.too_long += page.too_long
            self.cut_off += page.cut_off
        return self.read


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def test_lines_are_read_once_each_as_they_come(log):
    log.write(b"one\ntwo\n")
    assert log.poll() == [b"one", b"two"]
    log.write(b"three\n")
    log.poll()
    assert log.poll() == [b"one", b"two", b"three"]


def test_a_long_log_is_read_in_pages(log):
    many = [b"line %d" % number for number in range(9_000)]
    log.write(b"\n".join(many) + b"\n")
    assert len(list(pages(log.path, None, LONG_AGO, LINE + 1))) > 3
    assert log.poll() == many


def test_half_a_line_waits_for_its_other_half(log):
    log.write(b"one\ntw")
    assert log.poll() == [b"one"]
    log.write(b"o\n")
    assert log.poll() == [b"one", b"two"]


def test_a_file_that_was_renamed_is_read_to_its_end_and_then_the_new_one(log):
    log.write(b"one\n")
    log.poll()
    log.write(b"two\n")
    log.rotate()
    log.write(b"three\n")
    assert log.poll() == [b"one", b"two", b"three"]
    assert log.lost == 0


def test_what_is_still_written_to_the_renamed_file_is_read_too(log):
    log.write(b"one\n")
    log.poll()
    log.rotate()
    log.poll()
    log.write(b"two\n", "syslog.1")
    assert log.poll() == [b"one", b"two"]
    log.write(b"three\n")
    assert log.poll() == [b"one", b"two", b"three"]


def test_half_a_line_in_the_renamed_file_is_not_cut_off_before_the_new_one_is_written_to(log):
    log.write(b"one\ntw")
    log.poll()
    log.rotate()
    log.poll()
    log.write(b"o\n", "syslog.1")
    assert log.poll() == [b"one", b"two"]
    assert log.cut_off == 0


def test_the_new_file_need_not_be_there_yet(log):
    log.write(b"one\n")
    log.poll()
    log.write(b"two\n")
    log.rotate(create=False)
    assert log.poll() == [b"one", b"two"]
    log.write(b"three\n")
    assert log.poll() == [b"one", b"two", b"three"]


def test_several_rotations_and_compression_while_nobody_read_lose_nothing(log):
    log.write(b"one\n")
    log.poll()
    log.until = datetime.now(UTC) - timedelta(seconds=1)
    for number, text in enumerate((b"two\n", b"three\n", b"four\n")):
        log.write(text)
        log.rotate()
        if number:
            log.compress("syslog.2")
    log.write(b"five\n")
    assert sorted(each.name for each in log.path.parent.iterdir()) == [
        "syslog",
        "syslog.1",
        "syslog.2.gz",
        "syslog.3.gz",
    ]
    assert log.poll() == [b"one", b"two", b"three", b"four", b"five"]
    assert log.lost == 0


def test_a_file_that_was_copied_and_truncated_is_read_to_its_end_in_the_copy(log):
    log.write(b"one\n")
    log.poll()
    log.write(b"two\n")
    log.copytruncate()
    log.write(b"three\n")
    assert log.poll() == [b"one", b"two", b"three"]
    assert log.lost == 0


@pytest.mark.parametrize("new", [b"", b"new\n", b"a longer new line than before\n"])
def test_what_was_truncated_unread_is_told_to_be_lost(log, new):
    log.write(b"one\ntwo\n")
    log.poll()
    os.truncate(log.path, 0)
    log.write(new)
    log.poll()
    assert log.lost == 1
    log.write(b"more\n")
    assert log.poll()[2:] == [*new.splitlines(), b"more"]
    assert log.lost == 1


def test_a_file_that_lost_its_end_is_not_the_one_that_was_read(log):
    log.write(b"a line\n" * 1_000)
    log.poll()
    os.truncate(log.path, 5_600)
    log.poll()
    assert log.lost == 1


def test_a_file_that_is_being_compressed_is_read_once(log):
    log.write(b"one\n")
    log.rotate()
    log.path.with_name("syslog.1.gz").write_bytes(gzip.compress(b"one\n"))
    log.write(b"two\n")
    assert log.poll() == [b"one", b"two"]


def test_a_file_that_is_rotated_this_very_moment_is_left_for_the_next_time(log, monkeypatch):
    log.write(b"one\n")
    log.poll()
    log.write(b"two\n")
    with monkeypatch.context() as patched:
        # What was found a moment ago is another file by now.
        patched.setattr("verifier.signals.cron.tail._is_of", lambda file, position: True)
        log.rotate()
        log.write(b"three, and more of it than was read before\n")
        log.path.with_name("syslog.1").rename(log.path.with_name("aside"))
        log.poll()
    log.path.with_name("aside").rename(log.path.with_name("syslog.1"))
    assert log.poll() == [b"one", b"two", b"three, and more of it than was read before"]
    assert log.lost == 0


def test_what_was_rotated_away_unread_is_told_to_be_lost_and_the_rest_is_read(log):
    log.write(b"one\n")
    log.poll()
    log.until = datetime.now(UTC) - timedelta(seconds=60)
    log.rotate()
    log.path.with_name("syslog.1").unlink()
    log.write(b"three\n")
    log.rotate()
    log.write(b"four\n")
    assert log.poll() == [b"one", b"three", b"four"]
    assert log.lost == 1


def test_a_file_of_which_nothing_was_read_is_lost_for_nobody(log):
    log.write(b"one\n")
    log.rotate()
    log.poll()
    log.position = Position(inode=1)
    log.read.clear()
    log.write(b"two\n")
    assert log.poll() == [b"one", b"two"]
    assert log.lost == 0


def test_at_first_rotated_files_are_read_as_far_back_as_is_asked_for(log):
    log.write(b"old\n")
    log.rotate()
    os.utime(log.path.with_name("syslog.1"), (1_000, 1_000))
    log.write(b"one\n")
    log.rotate()
    log.write(b"two\n")
    log.until = datetime.fromtimestamp(2_000, UTC)
    assert log.poll() == [b"one", b"two"]


def test_other_files_beside_the_log_are_left_alone(log):
    for name in ("syslog.bak", "syslog-old", "syslog.1.tar.gz", "syslogs.1"):
        log.write(b"not of it\n", name)
    log.write(b"yesterday\n", "syslog-20261123")
    log.write(b"one\n")
    assert log.poll() == [b"yesterday", b"one"]


def test_a_name_with_wildcards_is_a_name(tmp_path):
    path = tmp_path / "sys[l]og*"
    path.write_bytes(b"one\n")
    (tmp_path / "syslogx.1").write_bytes(b"not of it\n")
    assert [page.lines for page in pages(path, None, LONG_AGO)] == [[b"one"]]


def test_a_line_that_never_ends_costs_no_memory_and_is_counted_once(log):
    log.write(b"one\n")
    for _ in range(5):
        log.write(b"x" * (LINE + 1))
        log.poll()
    log.write(b"\ntwo\n")
    assert log.poll() == [b"one", b"two"]
    assert log.too_long == 1
    log.write(b"y" * (3 * LINE) + b"\nthree\n")
    assert log.poll(size=10 * LINE)[-1] == b"three"
    assert log.too_long == 2


def test_a_line_cut_off_by_rotation_is_counted(log):
    log.write(b"one\ntw")
    log.poll()
    log.rotate()
    log.write(b"three\n")
    assert log.poll() == [b"one", b"three"]
    assert log.cut_off == 1


def test_a_compressed_file_that_is_broken_is_told_to_be_lost_and_holds_nothing_up(log):
    log.write(b"one\n")
    log.poll()
    log.rotate()
    log.compress("syslog.1")
    whole = log.path.with_name("syslog.1.gz").read_bytes()
    log.path.with_name("syslog.1.gz").write_bytes(whole[:-6])
    log.write(b"two\n")
    assert log.poll() == [b"one", b"two"]
    assert log.lost


def test_a_log_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(pages(tmp_path / "syslog", None, LONG_AGO))


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_told(tmp_path, make):
    make(tmp_path / "syslog")
    with pytest.raises(OSError, match="no file"):
        list(pages(tmp_path / "syslog", None, LONG_AGO))


lines = st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"."))


@given(st.lists(lines), st.data())
def test_lines_are_the_same_however_the_bytes_are_cut(wanted, data):
    whole = b"".join(line + b"\n" for line in wanted)
    found, rest = [], b""
    while whole:
        length = data.draw(st.integers(1, len(whole)))
        got = split(rest + whole[:length])
        rest, whole = (rest + whole[:length])[got.used :], whole[length:]
        found += got.lines
    assert (found, rest) == (wanted, b"")


Step = st.one_of(
    st.tuples(st.just("write"), lines),
    st.tuples(st.just("half"), lines),
    st.sampled_from([("poll",), ("rotate",), ("copytruncate",), ("compress",)]),
)


@settings(max_examples=60)
@given(st.lists(Step, max_size=25))
def test_no_line_is_lost_or_doubled_by_any_order_of_writing_rotating_and_reading(
    tmp_path_factory, steps
):
    log = Log(tmp_path_factory.mktemp("log"))
    log.write(b"first\n")
    log.poll()
    wanted, half = [b"first"], b""
    for number, step in enumerate(steps):
        if step[0] == "write":
            # Numbered, so that two files never begin alike.
            line = half + b"%d " % number + step[1]
            log.write(line[len(half) :] + b"\n")
            wanted.append(line)
            half = b""
        elif step[0] == "half" and not half:
            half = b"%d/" % number + step[1]
            log.write(half)
        elif step[0] == "poll":
            log.poll()
        elif log.path.stat().st_size == 0 or half:
            continue
        elif step[0] == "rotate":
            log.rotate()
        elif step[0] == "copytruncate":
            log.copytruncate()
        elif step[0] == "compress" and log.path.with_name("syslog.1").exists():
            log.compress("syslog.1")
    if half:
        log.write(b"\n")
        wanted.append(half)
    log.poll()
    assert log.read == wanted
    assert log.lost == 0
