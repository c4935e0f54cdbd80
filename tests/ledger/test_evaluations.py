from threading import Barrier, Thread

import msgspec
import pytest

from verifier.ledger.errors import UnknownJob
from verifier.ledger.evaluations import Answered
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter


def test_evaluations_come_back_as_they_were_oldest_first(ledger, told, build):
    key = told.night(verified=False)
    evidence = {"sql": "select 1", "keys": ["DE", 3, None], "nested": {"a": [1.5, True]}}
    later = build.evaluation(key, "02:20", "partial", evidence=evidence, missing=2, expected=3)
    earlier = build.evaluation(key, "02:15", "unreachable", "ask_again")
    for evaluation in (later, earlier):
        ledger.record(key, evaluation, build.at("02:20"))
    assert ledger.evaluations(key) == [earlier, later]


def test_a_run_comes_into_being_when_it_is_asked_about(ledger, build):
    key = build.key("nightly", "-30 02:00")
    ledger.record(key, build.evaluation(key, "02:00", "partial", "asked"), build.at("02:00"))
    assert [row.key for row in ledger.runs(RunFilter())] == [key]
    assert ledger.row(key).lane == "other"


def test_an_evaluation_of_another_run_or_of_no_job_is_refused(ledger, build):
    answer = build.evaluation(build.nightly, "02:00", "complete")
    with pytest.raises(ValueError, match="of another run"):
        ledger.record(build.key("nightly", "+1 02:00"), answer, build.at("02:00"))
    nobody = build.key("nobody", "02:00")
    with pytest.raises(UnknownJob):
        ledger.record(
            nobody,
            msgspec.structs.replace(answer, run_id=nobody.run_id),
            build.at("02:00"),
        )
    assert ledger.runs(RunFilter()) == []


def test_of_two_that_look_at_once_the_first_to_answer_counts(ledger, told, build):
    key = told.night(verified=False)
    first = build.evaluation(key, "02:10:11", "complete")
    second = build.evaluation(key, "02:10:10", "none")
    assert ledger.record_all([Answered(key=key, evaluation=first, last=None)], build.at("02:10:12"))
    revision = ledger.row(key).revision
    assert not ledger.record_all(
        [Answered(key=key, evaluation=second, last=None)], build.at("02:10:13")
    )
    assert ledger.evaluations(key) == [first]
    assert ledger.row(key).revision == revision
    assert ledger.record_all(
        [Answered(key=key, evaluation=second, last=first.evaluation_id)], build.at("02:10:13")
    )


def test_of_many_answers_those_that_came_too_late_are_dropped_one_by_one(ledger, told, build, rows):
    dues = [build.at(f"{hour:02}:00") for hour in range(4)]
    ledger.expect("quarter", dues, build.at("00:00"))
    keys = [build.key("quarter", f"{hour:02}:00") for hour in range(4)]
    causes = ("miss", "end", "miss", "silence")
    looks = [
        Answered(key=key, evaluation=build.evaluation(key, "05:00", "complete", cause))
        for key, cause in zip(keys, causes, strict=True)
    ]
    ledger.record(keys[1], build.evaluation(keys[1], "04:59", "none", "asked"), build.at("05:00"))
    again = Answered(key=keys[0], evaluation=build.evaluation(keys[0], "05:01", "none"))
    kept = ledger.record_all([*looks, again], build.at("05:01"))
    assert kept == {keys[0], keys[2], keys[3]}
    assert [len(ledger.evaluations(key)) for key in keys] == [1, 1, 1, 1]
    assert [ledger.row(key).verdict for key in keys] == ["verified", None, "verified", "verified"]
    changed = {row[0]: row[-1] for row in rows("revisions")}
    assert changed == {keys[number].run_id: causes[number] for number in (0, 2, 3)}


def test_a_look_is_dropped_where_somebody_asked_meanwhile(ledger, told, build):
    key = told.night(verified=False)
    asked = build.evaluation(key, "02:10:11", "complete", "asked")
    ledger.record(key, asked, build.at("02:10:12"))
    look = build.evaluation(key, "02:10:10", "complete")
    assert not ledger.record_all(
        [Answered(key=key, evaluation=look, last=None)], build.at("02:10:13")
    )
    assert ledger.evaluations(key) == [asked]


def test_replicas_that_record_the_same_look_at_once_keep_one_of_it(postgres_url, build):
    url, count = postgres_url(), 4
    barrier, kept = Barrier(count), []

    def look(number):
        with Ledger.open(url, build.declared) as ledger:
            answer = build.evaluation(build.nightly, f"02:10:1{number}", "complete")
            barrier.wait()
            kept.append(
                ledger.record_all(
                    [Answered(key=build.nightly, evaluation=answer, last=None)], build.at("02:11")
                )
            )

    with Ledger.open(url, build.declared) as ledger:
        ledger.declare("nightly", build.job(), {}, build.declared)
        threads = [Thread(target=look, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(len, kept)) == [0] * (count - 1) + [1]
        assert len(ledger.evaluations(build.nightly)) == 1
