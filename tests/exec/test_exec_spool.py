"""The spool: nothing that was told is lost, and a death is told only when it is proven."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from verifier.exec import landed_exec
from verifier.exec.landed_exec import NotDelivered, deliver, here, prove_deaths, trim

URL = "http://verifier:9877"
PLACE = {"machine": "host/1", "boot": "b1", "pid_namespace": landed_exec.INITIAL_PID_NAMESPACE}
Signal = dict[str, Any]


@pytest.fixture
def spool(tmp_path: Path) -> str:
    return str(tmp_path / "spool")


def a_signal(kind: str = "effect", number: int = 0, **more: object) -> Signal:
    return {"job": "j", "kind": kind, "id": f"a/{kind}/{number}", "attempt": "a", **more}


def spooled(spool: str, *signals: Signal, name: str = "1.run", **record: object) -> int:
    fd = landed_exec.spool_create(spool, name)
    for signal in signals:
        landed_exec.spool_append(fd, {"url": URL, "signal": signal, **record}, sync=False)
    return fd


class Taker:
    """Takes what it is sent, and rejects as told."""

    def __init__(self, **rejections: bool) -> None:
        self.taken: list[Signal] = []
        self.batches: list[int] = []
        self.rejections = rejections

    def __call__(self, signals: list[Signal]) -> list[dict[str, Any]]:
        self.batches.append(len(signals))
        rejected = []
        for index, signal in enumerate(signals):
            if signal["kind"] in self.rejections:
                retriable = self.rejections[signal["kind"]]
                rejected.append(
                    {"index": index, "code": "no", "detail": "why", "retriable": retriable}
                )
            else:
                self.taken.append(signal)
        return rejected

    @property
    def kinds(self) -> list[str]:
        return [signal["kind"] for signal in self.taken]


def names(spool: str) -> list[str]:
    return sorted(path.name for path in Path(spool).iterdir())


def test_what_is_delivered_is_not_sent_again_and_a_finished_file_goes(spool: str) -> None:
    fd = spooled(spool, a_signal("started"))
    taker = Taker()
    assert deliver(spool, taker) == {"taken": 1, "rejected": 0, "kept": 0, "torn": 0}
    assert deliver(spool, taker)["taken"] == 0
    landed_exec.spool_append(fd, {"url": URL, "signal": a_signal("succeeded")})
    assert deliver(spool, taker)["taken"] == 1
    assert names(spool) == ["1.run", "1.run.sent"]  # still held by its wrapper
    os.close(fd)
    deliver(spool, taker)
    assert names(spool) == []
    assert taker.kinds == ["started", "succeeded"]


def test_an_attempt_without_an_end_stays_though_all_of_it_is_delivered(spool: str) -> None:
    os.close(spooled(spool, a_signal("started")))
    deliver(spool, Taker())
    deliver(spool, Taker())
    assert "1.run" in names(spool)


def test_signals_go_in_batches_of_500_at_most_and_oldest_first(spool: str) -> None:
    signals = [a_signal("effect", number) for number in range(1201)]
    os.close(spooled(spool, *signals, name="1.sig"))
    taker = Taker()
    deliver(spool, taker)
    assert taker.batches == [500, 500, 201]
    assert taker.taken == signals
    assert names(spool) == []


def test_a_rejection_for_good_is_written_down_and_the_rest_is_taken(spool: str) -> None:
    os.close(spooled(spool, a_signal("started"), a_signal("effect"), a_signal("failed")))
    counts = deliver(spool, Taker(effect=False))
    assert counts == {"taken": 2, "rejected": 1, "kept": 0, "torn": 0}
    (line,) = (Path(spool) / "rejected.ndjson").read_text().splitlines()
    kept = json.loads(line)
    assert (kept["code"], kept["detail"]) == ("no", "why")
    assert kept["signal"] == a_signal("effect")
    assert names(spool) == ["rejected.ndjson"]


def test_a_retriable_rejection_stays_with_all_that_follows_it(spool: str) -> None:
    os.close(spooled(spool, a_signal("started"), a_signal("effect"), a_signal("failed")))
    assert deliver(spool, Taker(effect=True))["kept"] == 1
    taker = Taker()
    assert deliver(spool, taker)["taken"] == 2
    assert taker.kinds == ["effect", "failed"]  # the end a second time, under the same id
    assert names(spool) == []


def test_what_was_taken_before_a_failure_is_not_sent_again(spool: str) -> None:
    signals = [a_signal("effect", number) for number in range(600)]
    os.close(spooled(spool, *signals, name="1.sig"))

    def once(batch: list[Signal]) -> list[dict[str, Any]]:
        if batch[0]["id"] != "a/effect/0":
            raise NotDelivered("full", 7.0)
        return []

    with pytest.raises(NotDelivered) as error:
        deliver(spool, once)
    assert error.value.retry_after == 7.0
    taker = Taker()
    deliver(spool, taker)
    assert taker.taken == signals[500:]


def test_signals_meant_for_another_verifier_are_left_to_it(spool: str) -> None:
    os.close(spooled(spool, a_signal(), name="1.sig"))
    taker = Taker()
    assert deliver(spool, taker, "http://other:9877")["taken"] == 0
    assert deliver(spool, taker, URL)["taken"] == 1


@pytest.mark.parametrize(
    "cut", [b'{"url', b"{}", b"[1]", b'{"signal": 1}', b"\xff\xfe", b"[" * 9999]
)
def test_a_line_torn_by_a_crash_is_counted_and_costs_nothing_else(spool: str, cut: bytes) -> None:
    fd = spooled(spool, a_signal("started"))
    os.write(fd, cut)  # the crash
    landed_exec.spool_append(fd, {"url": URL, "signal": a_signal("lost")})
    os.close(fd)
    taker = Taker()
    counts = deliver(spool, taker)
    assert (counts["taken"], counts["torn"]) == (2, 1)
    assert taker.kinds == ["started", "lost"]
    assert names(spool) == []


def test_a_line_still_being_written_is_left_for_later(spool: str) -> None:
    fd = spooled(spool, name="1.sig")
    os.write(fd, b'{"url": "u", "signal": {"kind": "eff')
    taker = Taker()
    assert deliver(spool, taker) == {"taken": 0, "rejected": 0, "kept": 0, "torn": 0}
    os.write(fd, b'ect"}}\n')
    os.close(fd)
    assert deliver(spool, taker)["taken"] == 1
    assert names(spool) == []


def test_an_empty_file_may_be_a_new_one_and_goes_only_after_a_day(spool: str) -> None:
    os.close(spooled(spool))
    deliver(spool, Taker())
    assert names(spool) == ["1.run"]
    os.utime(Path(spool) / "1.run", (0, 0))
    deliver(spool, Taker())
    assert names(spool) == []


def test_links_and_foreign_files_are_not_followed(spool: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"url": URL, "signal": a_signal()}) + "\n")
    os.close(spooled(spool, a_signal(), name="1.sig"))
    (Path(spool) / "2.sig").symlink_to(secret)
    os.mkfifo(Path(spool) / "3.sig")
    (Path(spool) / "4.sig").mkdir()
    taker = Taker()
    deliver(spool, taker)
    assert len(taker.taken) == 1
    assert secret.exists()


@pytest.mark.parametrize("umask", [0, 0o077, 0o777])
def test_the_spool_is_private_and_its_files_are_readable_whatever_the_umask(
    spool: str, umask: int
) -> None:
    Path(spool).mkdir(0o700)
    before = os.umask(umask)
    try:
        os.close(spooled(spool, a_signal()))
    finally:
        os.umask(before)
    assert (Path(spool) / "1.run").stat().st_mode & 0o777 == 0o600


def test_a_new_spool_is_private(spool: str) -> None:
    before = os.umask(0)
    try:
        os.close(spooled(spool, a_signal()))
    finally:
        os.umask(before)
    assert Path(spool).stat().st_mode & 0o777 == 0o700


def test_what_is_rejected_is_kept_in_bounds(spool: str) -> None:
    Path(spool).mkdir()
    rejection = {"code": "no", "detail": "x" * 5000, "retriable": False}
    for number in range(2000):
        landed_exec.keep_rejected(spool, a_signal("effect", number), rejection)
    assert names(spool) == ["rejected.ndjson", "rejected.ndjson.1"]
    sizes = [path.stat().st_size for path in Path(spool).iterdir()]
    assert sum(sizes) < 2 * landed_exec.REJECTED_LIMIT + 10_000
    lines = (Path(spool) / "rejected.ndjson").read_text().splitlines()
    assert json.loads(lines[-1])["signal"]["id"] == "a/effect/1999"


def test_a_spool_too_large_drops_its_oldest_heartbeats_and_nothing_else(spool: str) -> None:
    for number in range(10):
        landed_exec.spool_signal(spool, URL, a_signal("heartbeat", number), f"{number}.beat")
        os.utime(Path(spool) / f"{number}.beat", (number, number))
    os.close(spooled(spool, a_signal("started")))
    os.utime(Path(spool) / "1.run", (0, 0))
    size = sum(path.stat().st_blocks * 512 for path in Path(spool).iterdir())
    trim(spool, size)
    assert len(names(spool)) == 11
    trim(spool, size // 2)
    left = names(spool)
    assert "1.run" in left
    assert left == sorted(["1.run", *(f"{number}.beat" for number in range(11 - len(left), 10))])
    trim(spool, 0)
    assert names(spool) == ["1.run"]


def test_a_note_whose_file_is_gone_goes_too(spool: str) -> None:
    os.close(spooled(spool, a_signal("started")))
    deliver(spool, Taker())
    assert names(spool) == ["1.run", "1.run.sent"]
    (Path(spool) / "2.beat.sent").write_text("7\n")
    trim(spool)
    assert names(spool) == ["1.run", "1.run.sent"]


def test_a_courier_that_is_done_looks_once_more_after_it_gave_its_lock_back(spool: str) -> None:
    verifier = landed_exec.Verifier(URL, spool)
    Path(spool).mkdir()
    ours = landed_exec.spool_open(spool, "courier", os.O_CREAT | os.O_RDWR)
    another = landed_exec.spool_open(spool, "courier", os.O_RDWR)
    assert landed_exec.try_lock(ours)
    os.close(spooled(spool, a_signal(), name="1.sig"))  # as we were about to end
    assert not landed_exec.gave_back(verifier, ours)
    assert not landed_exec.try_lock(another)
    deliver(spool, Taker())
    assert landed_exec.gave_back(verifier, ours)
    assert landed_exec.try_lock(another)
    os.close(ours)
    os.close(another)


# Deaths


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def record_of(pid: int, **more: object) -> dict[str, Any]:
    return {"pid": pid, "ticks": landed_exec.start_ticks(pid), **here(), **more}


def test_a_process_that_runs_is_not_gone(process: subprocess.Popen[bytes]) -> None:
    assert landed_exec.death_proof(record_of(process.pid), here()) is None


def test_a_process_that_has_ended_is_gone(process: subprocess.Popen[bytes]) -> None:
    record = record_of(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert landed_exec.death_proof(record, here()) == "pid_gone"  # a zombie, not yet collected
    process.wait()
    assert landed_exec.death_proof(record, here()) == "pid_gone"


def test_a_pid_used_again_is_not_the_old_process(process: subprocess.Popen[bytes]) -> None:
    record = record_of(process.pid)
    record["ticks"] -= 1
    assert landed_exec.death_proof(record, here()) == "pid_gone"


def test_a_process_whose_first_thread_has_ended_still_runs() -> None:
    script = (
        "import ctypes, threading\n"
        "threading.Thread(target=input).start()\n"
        "print('ready', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        while landed_exec.process_fields(process.pid)[0] != "Z":
            assert process.poll() is None
        assert not landed_exec.is_gone(process.pid, landed_exec.start_ticks(process.pid))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("change", "seen_from", "proof"),
    [
        ({"boot": "b0"}, {}, "rebooted"),
        ({"boot": "b0", "machine": "other/2"}, {}, None),
        ({"boot": ""}, {}, None),
        ({"boot": "b0"}, {"boot": ""}, None),
        ({"machine": "other/2"}, {}, None),
        ({"pid_namespace": "pid:[5]"}, {}, None),
        ({"boot": "b0", "pid_namespace": "pid:[5]"}, {"pid_namespace": "pid:[5]"}, None),
        ({"pid_namespace": "pid:[5]"}, {"pid_namespace": "pid:[5]"}, "pid_gone"),
        ({"pid_namespace": ""}, {"pid_namespace": ""}, None),
        ({"pid": None}, {}, None),
        ({"pid": "1"}, {}, None),
        ({"pid": -1}, {}, None),
        ({}, {}, "pid_gone"),
    ],
)
def test_a_death_is_proven_only_where_the_record_speaks_of_this_place(
    change: dict[str, object], seen_from: dict[str, str], proof: str | None
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    record = {"pid": gone.pid, "ticks": 1, **PLACE, **change}
    assert landed_exec.death_proof(record, {**PLACE, **seen_from}) == proof


def test_what_cannot_be_read_proves_no_death() -> None:
    assert not landed_exec.is_gone(os.getpid(), -1)


def test_a_dead_attempt_is_told_lost_once_with_its_proof(spool: str) -> None:
    started = a_signal(
        "started", due="2026-04-03T00:00:00Z", partition="p", lane="rerun", worker="w", at="t"
    )
    gone = {"pid": 1, "ticks": 1, **PLACE, "boot": "b0"}
    os.close(spooled(spool, started, process=gone))
    assert prove_deaths(spool, PLACE) == 1
    assert prove_deaths(spool, PLACE) == 0
    taker = Taker()
    deliver(spool, taker)
    lost = taker.taken[-1]
    assert lost.pop("at").endswith("Z")
    assert lost == {
        "job": "j",
        "kind": "lost",
        "id": "a/lost",
        "attempt": "a",
        "due": "2026-04-03T00:00:00Z",
        "partition": "p",
        "lane": "rerun",
        "worker": "w",
        "end_proof": "rebooted",
        "reason": "ended unseen: its wrapper was gone",
    }
    assert names(spool) == []


def test_an_attempt_whose_wrapper_lives_is_left_to_it(spool: str) -> None:
    gone = {"pid": 1, "ticks": 1, **PLACE, "boot": "b0"}
    fd = spooled(spool, a_signal("started"), process=gone)
    assert prove_deaths(spool, PLACE) == 0
    os.close(fd)
    assert prove_deaths(spool, PLACE) == 1


def test_an_attempt_that_has_its_end_is_not_lost(spool: str) -> None:
    gone = {"pid": 1, "ticks": 1, **PLACE, "boot": "b0"}
    os.close(spooled(spool, a_signal("started"), a_signal("failed"), process=gone))
    assert prove_deaths(spool, PLACE) == 0


def test_a_spool_that_is_not_there_is_an_empty_one(spool: str) -> None:
    assert prove_deaths(spool, PLACE) == 0
    assert deliver(spool, Taker())["taken"] == 0
    trim(spool, 0)
