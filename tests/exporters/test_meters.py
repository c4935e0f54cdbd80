from threading import Thread

import pytest

from verifier.exporters.meters import Meters
from verifier.exporters.rows import Row


def counted(meters, family, *labels):
    (value,) = (row.value for row in meters.rows()[family] if row.labels == labels)
    return value


def test_what_is_taken_and_refused_is_counted_by_its_source():
    meters = Meters()
    meters.took("native", ["started", "heartbeat", "started"])
    meters.took("airflow", ["started"])
    meters.refused("native", ["unknown_job"])
    assert counted(meters, "landed_signals_total", "native", "started") == 2
    assert counted(meters, "landed_signals_total", "airflow", "started") == 1
    assert counted(meters, "landed_signals_rejected_total", "native", "unknown_job") == 1


def test_own_sources_count_from_zero_and_others_from_their_first_signal():
    rows = Meters().rows()
    assert {row.labels[0] for row in rows["landed_signals_total"]} == {
        "native",
        "openlineage",
        "ping",
        "spool",
    }
    assert {row.value for row in rows["landed_signals_total"]} == {0}
    meters = Meters()
    meters.refused("airflow", ["not_json"])
    assert counted(meters, "landed_signals_total", "airflow", "started") == 0


def test_a_commit_is_measured_and_one_that_failed_is_not():
    meters = Meters()
    with meters.committing():
        pass
    with pytest.raises(RuntimeError), meters.committing():
        raise RuntimeError
    (row,) = meters.rows()["landed_signal_commit_duration_seconds"]
    assert isinstance(row, Row)
    assert sum(row.value.counts) == row.value.counts[0] == 1
    assert 0 < row.value.sum < 1


def test_no_count_is_lost_between_threads():
    meters = Meters()

    def take() -> None:
        for _ in range(500):
            meters.took("native", ["started"])

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(meters, "landed_signals_total", "native", "started") == 2000
