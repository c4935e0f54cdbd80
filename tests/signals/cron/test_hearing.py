"""Lines in, signals out: hostile ones are counted, and stop nothing."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from verifier.intake.receipt import RejectCode
from verifier.runs.signal import Kind

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = b"2026-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD ([7] job.sh)"
END = b"2026-11-24T06:03:09+00:00 vm CRON[6]: (root) END ([7] job.sh)"


def test_good_lines_among_hostile_ones_are_heard_and_the_others_counted_by_reason(hearing):
    heard = hearing({"nightly": "job.sh"}, floor=NOW - timedelta(hours=8))
    hostile = [
        b"\xff\xfe\x00\x01",
        b"2026-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD ([8] \xff\xff)",
        b"2019-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD ([9] job.sh)",
        b"2039-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD ([10] job.sh)",
        b"2026-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD ([11] unknown --password=hunter2)",
        b"2026-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD ([12] job.sh --al",
        b"2026-11-24T06:03:01+00:00 vm CRON[6]: (root) CMD (landed-exec --job a -- x)",
        b"CRON[" * 3000,
        b"Nov 99 06:03:01 vm CRON[6]: (root) CMD ([13] job.sh)",
    ]
    signals = list(heard.hear([hostile[0], START, *hostile[1:5], END, *hostile[5:]]))
    assert [signal.kind for signal in signals] == [Kind.STARTED, Kind.SUCCEEDED]
    assert heard.refused == {
        RejectCode.UNREADABLE: 3,
        RejectCode.BAD_TIME: 3,
        RejectCode.UNBOUND: 1,
    }
    assert "hunter2" not in "".join(heard.examples.values())


def test_a_repeated_line_is_one_signal(hearing):
    heard = hearing({"nightly": "job.sh"})
    repeated = START.replace(b"(root) CMD ([7] job.sh)", b"message repeated 2 times: [ (root)]")
    signals = list(heard.hear([START, START, repeated, END, END]))
    assert len({signal.id for signal in signals}) == 2
    assert heard.refused == {}


@given(st.lists(st.binary(max_size=200), max_size=5), st.binary(max_size=60))
def test_no_bytes_whatever_stop_the_reader(lines, noise):
    from zoneinfo import ZoneInfo

    from verifier.signals.cron.hearing import Hearing
    from verifier.signals.cron.pairing import Pairing
    from verifier.signals.cron.syslog import Stamps

    pairing = Pairing(lambda *_: "nightly", lambda *_: True, lambda _: True)
    heard = Hearing(pairing, Stamps(ZoneInfo("UTC"), NOW))
    spoiled = START[: len(noise)] + noise + START[len(noise) * 2 :]
    signals = list(heard.hear([*lines, spoiled, START, END]))
    assert [signal.kind for signal in signals[-2:]] == [Kind.STARTED, Kind.SUCCEEDED]
