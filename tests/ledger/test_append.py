from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.ledger import audit
from verifier.ledger.errors import UnknownJob
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.ledger.schema import attempts, runs, signals
from verifier.runs.attempt import inferred_id
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Every
from verifier.runs.signal import (
    EffectNote,
    EndProof,
    Kind,
    Lane,
    Progress,
    Signal,
)

HOUR = timedelta(hours=1)


def test_a_signal_is_kept_folded_and_its_run_is_there(ledger, told, build):
    done = told(build.signal("started", "02:00:05"))
    assert (done.accepted, done.duplicates, done.touched) == (1, 0, {build.nightly})
    (row,) = ledger.runs(RunFilter())
    assert (row.key, row.state, row.reported, row.lane) == (
        build.nightly,
        "running",
        "running",
        "live",
    )
    (attempt,) = ledger.attempts(build.nightly)
    assert (attempt.attempt, attempt.started) == ("a1", build.at("02:00:05"))


def test_an_empty_batch_changes_nothing(ledger, build):
    done = ledger.append([], source="test", received_at=build.at("02:00"))
    assert (done.accepted, done.duplicates, done.touched) == (0, 0, frozenset())


def test_the_same_job_and_id_is_the_same_signal_whatever_else_differs(ledger, told, build):
    told(build.signal("started", "02:00:05", id="x"))
    again = told(build.signal("failed", "02:30", attempt="other", id="x"))
    assert (again.accepted, again.duplicates, again.touched) == (0, 1, frozenset())
    (attempt,) = ledger.attempts(build.nightly)
    assert attempt.ends == ()


def test_a_batch_that_repeats_itself_is_kept_once(told, build):
    started = build.signal("started", "02:00:05")
    done = told(started, build.signal("succeeded", "02:10"), started)
    assert (done.accepted, done.duplicates) == (2, 1)


def test_of_two_that_share_an_id_in_one_batch_the_first_is_kept(ledger, told, build):
    told(
        build.signal("started", "02:00:05", id="x"),
        build.signal("failed", "02:30", attempt="other", id="x"),
    )
    assert [each.attempt for each in ledger.attempts(build.nightly)] == ["a1"]


def test_the_same_id_of_another_job_is_another_signal(told, build):
    assert told(build.signal("started", "02:00", id="x")).accepted == 1
    assert told(build.signal("started", "02:00", id="x", job="quarter")).accepted == 1


def test_a_batch_with_a_job_that_nobody_declared_is_refused_whole(ledger, told, build):
    with pytest.raises(UnknownJob, match="'nobody'"):
        told(build.signal("started", "02:00"), build.signal("started", "02:00", job="nobody"))
    assert ledger.runs(RunFilter()) == []
    assert ledger.check() == []


def test_a_signal_without_due_is_of_the_slot_that_was_declared_at_its_time(ledger, told, build):
    ledger.declare("nightly", build.job(schedule=Every(period=HOUR)), {}, build.at("12:00"))
    told(build.signal("started", "11:10", attempt="before"))
    told(build.signal("started", "12:10", attempt="after"))
    assert {row.key.occurrence for row in ledger.runs(RunFilter())} == {
        "2026-04-03T02:00:00Z",
        "2026-04-03T12:00:00Z",
    }


def test_a_due_that_is_told_later_moves_the_attempt_and_the_old_run_is_forgotten(
    ledger, told, build
):
    told(build.signal("started", "02:00:05"))
    yesterday = build.at("-1 02:00")
    moved = told(build.signal("created", "01:59", due=yesterday))
    late = build.key("nightly", "-1 02:00")
    assert moved.touched == {build.nightly, late}
    assert [row.key for row in ledger.runs(RunFilter())] == [late]
    assert ledger.row(build.nightly) is None
    assert ledger.attempts(build.nightly) == []
    assert ledger.check(build.at("02:01")) == []


def test_a_run_that_is_expected_stays_when_its_only_attempt_moves_away(ledger, told, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    told(build.signal("started", "02:00:05"))
    told(build.signal("created", "01:59", due=build.at("-1 02:00")))
    row = ledger.row(build.nightly)
    assert (row.state, row.reported) == ("waiting", "none")


def test_an_attempt_made_by_hand_is_a_run_of_its_own(ledger, told, build):
    told(build.signal("started", "14:00", lane=Lane.MANUAL))
    (row,) = ledger.runs(RunFilter())
    assert row.key == RunKey("nightly", "~a1")
    assert (row.at, row.lane) == (build.at("14:00"), "other")
    told(build.signal("created", "13:50", lane=Lane.MANUAL))
    assert ledger.row(row.key).at == build.at("13:50")


def test_a_skip_is_a_fact_of_the_run_and_never_an_attempt(ledger, told, build):
    told(build.signal("skipped", "02:00:01", attempt=None, reason="previous still runs"))
    told(build.signal("skipped", "02:00:00", attempt="x", reason="earlier"))
    told(build.signal("skipped", "02:00:02", attempt=None, reason="later"))
    row = ledger.row(build.nightly)
    assert row.skipped.value == "earlier"
    assert (row.state, row.verdict) == ("judged", "excused")
    assert ledger.attempts(build.nightly) == []


def test_of_the_skips_of_one_batch_the_earliest_is_kept(ledger, told, build):
    later = build.signal("skipped", "02:00:02", attempt=None, reason="later")
    earlier = build.signal("skipped", "02:00:01", attempt=None, reason="earlier")
    told(earlier, later, build.signal("skipped", "02:00:03", attempt=None, reason="last"))
    assert ledger.row(build.nightly).skipped.value == "earlier"


def test_a_skip_of_a_run_made_by_hand_excuses_no_scheduled_run(ledger, told, build):
    told(build.signal("skipped", "02:10", attempt="m1", lane=Lane.MANUAL))
    assert [row.key for row in ledger.runs(RunFilter())] == [RunKey("nightly", "~m1")]


def test_an_end_that_comes_before_its_start_is_of_the_run_of_the_start(ledger, told, build):
    ended = build.signal("succeeded", "+1 02:10")
    told(ended)
    assert ledger.row(build.key("nightly", "+1 02:00")) is not None
    told(build.signal("started", "02:00:05"), at="+1 02:11")
    assert [row.key for row in ledger.runs(RunFilter())] == [build.nightly]
    assert ledger.row(build.nightly).reported == "succeeded"


def test_heartbeats_of_a_running_attempt_write_nothing_about_its_run(ledger, told, build):
    told(build.signal("started", "02:00:05"), build.signal("heartbeat", "02:00:35"))
    before = ledger.row(build.nightly)
    beat = told(build.signal("heartbeat", "02:01:05"))
    assert beat.touched == {build.nightly}
    assert ledger.row(build.nightly) == before
    assert ledger.attempts(build.nightly)[0].heard == build.at("02:01:05")


def test_a_heartbeat_that_brings_silence_closer_wakes_the_run_earlier(ledger, told, build):
    told(build.signal("started", "02:00:05"), at="02:06")
    assert ledger.row(build.nightly).wake_at > build.at("02:30")
    told(build.signal("heartbeat", "02:07"))
    assert ledger.row(build.nightly).wake_at == build.at("02:08:30")


def test_a_heartbeat_from_before_a_person_closed_the_run_lets_it_stay_closed(ledger, told, build):
    told(build.signal("heartbeat", "02:30"))
    ledger.act(build.action("reconcile", "02:20", key=build.nightly), build.at("02:31"))
    assert ledger.row(build.nightly).verdict is None
    told(build.signal("heartbeat", "02:10"), at="02:32")
    assert ledger.row(build.nightly).verdict == "reconciled"


def test_a_loss_that_was_inferred_gives_way_to_a_heartbeat(ledger, told, build):
    told(build.signal("started", "02:00:05"), build.signal("heartbeat", "02:00:35"))
    heard = build.at("02:00:35")
    told(build.signal("lost", "02:02:05", id=inferred_id("a1", heard)))
    assert ledger.row(build.nightly).reported == "lost"
    told(build.signal("heartbeat", "02:03"))
    assert ledger.row(build.nightly).reported == "running"


def test_all_that_a_signal_said_is_kept(ledger, build, rows):
    said = build.signal(
        "failed",
        "02:10",
        due=build.at("02:00"),
        lane=Lane.RERUN,
        worker="w1",
        reason="out of memory",
        exit_code=137,
        lease_until=build.at("02:20"),
        next_retry_at=build.at("02:15"),
        end_proof=EndProof.EXIT,
        effect=EffectNote(begun=True, surface="table"),
        progress=Progress(done=117, total=150, checkpoint="k"),
        labels={"host": "h1"},
        skewed=True,
    )
    ledger.append([said], source="spool", received_at=build.at("03:00"))
    (row,) = rows("signals")
    assert msgspec.json.decode(row[-1], type=Signal) == said
    assert row[8] == "spool"
    assert row[9] == 1775185200000000


# Any order, any repetition, any grouping

NUMBERS = count()

MINUTES = st.integers(0, 170)
DUES = st.sampled_from([None, None, None, "00:15", "01:00", "02:30"])
KINDS = st.sampled_from(list(Kind))


@st.composite
def said(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """What one signal says, but for the job."""
    kind = draw(KINDS)
    minute = draw(MINUTES)
    due = draw(DUES)
    return {
        "kind": kind,
        "when": f"{minute // 60:02}:{minute % 60:02}",
        "id": f"s{number}",
        "attempt": draw(st.sampled_from([None, None, "a", "b", "c"])),
        "partition": draw(st.sampled_from([None, None, None, "de", "fr"])),
        "due": due,
        "lane": draw(st.sampled_from([None, None, *Lane])),
        "end_proof": draw(st.sampled_from([None, *EndProof])),
        "lease": draw(st.sampled_from([None, 5, 90])),
        "done": draw(st.sampled_from([None, 0.0, 3.0, 7.5])),
        "begun": draw(st.sampled_from([None, False, True])),
        "inferred": draw(st.booleans()),
    }


STORIES = st.integers(1, 14).flatmap(
    lambda length: st.tuples(*(said(number) for number in range(length)))
)


def told_of(build: Any, job: str, words: dict[str, Any]) -> Signal:
    kind, at = words["kind"], build.at(words["when"])
    fields: dict[str, Any] = {"id": words["id"]}
    if words["inferred"] and kind in (Kind.LOST, Kind.TIMED_OUT) and words["attempt"]:
        # The number of the signal in its seconds, so that no two have the same id.
        heard = at - timedelta(minutes=2, seconds=int(words["id"][1:]))
        fields["id"] = inferred_id(words["attempt"], heard)
    if words["due"] is not None:
        fields["due"] = build.at(words["due"])
    if words["lease"] is not None:
        fields["lease_until"] = at + timedelta(minutes=words["lease"])
    if words["done"] is not None:
        fields["progress"] = Progress(done=words["done"])
    if words["begun"] is not None:
        fields["effect"] = EffectNote(begun=words["begun"])
    lane = words["lane"]
    if lane is not None and (words["attempt"] is not None or lane is not Lane.MANUAL):
        fields["lane"] = lane
    return Signal(
        job=job,
        kind=kind,
        at=at,
        attempt=words["attempt"],
        partition=words["partition"],
        end_proof=words["end_proof"],
        **fields,
    )


@st.composite
def deliveries(draw: st.DrawFn, story: Sequence[Any]) -> list[list[int]]:
    """The numbers of the signals in another order, some again, in some batches."""
    numbers = list(range(len(story)))
    again = draw(st.lists(st.sampled_from(numbers), max_size=5))
    order = draw(st.permutations(numbers + again))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=5)))
    starts, ends = [0, *cuts], [*cuts, len(order)]
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]


KEYS = {"seq", "run_id", "whole_id", "job"}
"""What is there only to be found again; it has the job's name in it."""

PATH = {"received_at", "source", "wake_at", "judged_at", "first_judged_at", "revision", "counted"}
"""What depends on when things were heard, and on what was thought before."""


def folded(ledger: Any, job: str) -> list[list[str]]:
    """All that the ledger made of a job's signals, as rows without the job's name."""
    kept = []
    for table in (attempts, runs, signals):
        leave_out = KEYS | PATH | ({"id"} if table is attempts else set())
        columns = [column for column in table.c if column.name not in leave_out]
        with ledger._database.read() as connection:
            found = connection.execute(table.select().where(table.c.job == job)).all()
        kept.append(
            sorted(
                repr(
                    tuple(
                        msgspec.structs.replace(value, job="")
                        if hasattr(value := getattr(row, column.name), "job")
                        else value
                        for column in columns
                    )
                )
                for row in found
            )
        )
    return kept


@pytest.fixture
def hasty(ledger: Ledger, ledger_kind: str) -> Ledger:
    """A ledger that does not wait for the disk: what is folded is all that matters here."""
    if ledger_kind == "sqlite":
        raw = ledger._database._writer.raw_connection()
        raw.cursor().execute("PRAGMA synchronous = OFF")
        raw.close()
    return ledger


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), story=STORIES)
@pytest.mark.slow
def test_any_order_repetition_and_grouping_of_signals_gives_the_same_rows(
    hasty, build, data, story
):
    ledger = hasty
    received = build.at("03:00")
    once, otherwise = (f"job{next(NUMBERS)}" for _ in range(2))
    for job in (once, otherwise):
        declaration = build.job(
            job, Every(period=timedelta(minutes=15)), checks=(), partition_name="region"
        )
        ledger.declare(job, declaration, {}, build.declared)
    in_order = [told_of(build, once, words) for words in story]
    ledger.append(in_order, source="test", received_at=received)
    for batch in data.draw(deliveries(story)):
        signals = [told_of(build, otherwise, story[number]) for number in batch]
        ledger.append(signals, source="again", received_at=received)
    assert folded(ledger, once) == folded(ledger, otherwise)
    with ledger._database.read() as connection:
        jobs = ledger._register.read(connection)
        both = {job: jobs[job] for job in (once, otherwise)}
        assert audit.check(connection, both, received) == []


def test_runs_are_awake_no_later_than_they_would_be_in_order(ledger, told, build):
    """Stored wake-ups may be early, never late: a heartbeat does not postpone them."""
    told(build.signal("started", "02:00:05"), build.signal("heartbeat", "02:00:35"))
    first = ledger.row(build.nightly).wake_at
    told(build.signal("heartbeat", "02:01:05"))
    assert ledger.row(build.nightly).wake_at == first == build.at("02:02:05")
    ledger.judge([build.nightly], first)
    assert ledger.row(build.nightly).wake_at == build.at("02:02:35")
