from datetime import timedelta

import pytest

from verifier.ledger import declare as declaring
from verifier.ledger.errors import UnknownJob
from verifier.ledger.listing import RunFilter
from verifier.runs.declaration import Cron, Every


def test_a_job_is_declared_once_until_something_changes(ledger, build):
    document = {"checks": [{"sql": "select 1"}]}
    assert ledger.declare("new", build.job("new"), document, build.at("01:00"))
    assert not ledger.declare("new", build.job("new"), document, build.at("02:00"))
    assert ledger.declare("new", build.job("new", owner="ann"), document, build.at("03:00"))
    changed = {"checks": [{"sql": "select 2"}]}
    assert ledger.declare("new", build.job("new", owner="ann"), changed, build.at("04:00"))
    history = ledger.histories()["new"]
    assert [entry.valid_from for entry in history.entries] == [
        build.at("01:00"),
        build.at("03:00"),
        build.at("04:00"),
    ]
    assert history.latest.owner == "ann"
    assert ledger.documents("new") == [
        (build.at("01:00"), document),
        (build.at("03:00"), document),
        (build.at("04:00"), changed),
    ]


def test_a_default_that_is_written_out_is_no_change(ledger, build):
    zone, dialect = "".join(["UT", "C"]), "".join(["deb", "ian"])
    spelt = Cron(expression="0 2 * * *", timezone=zone, dialect=dialect)
    plain = Cron(expression="0 2 * * *")
    for name, schedules in (("one", (plain, spelt, plain)), ("two", (spelt, plain, spelt))):
        said = [
            ledger.declare(name, build.job(name, schedule), {}, build.at("01:00"))
            for schedule in schedules
        ]
        assert said == [True, False, False]


def test_a_document_whose_keys_stand_in_another_order_is_the_same(ledger, build):
    ledger.declare("new", build.job("new"), {"a": 1, "b": {"c": 2, "d": 3}}, build.at("01:00"))
    again = {"b": {"d": 3, "c": 2}, "a": 1}
    assert not ledger.declare("new", build.job("new"), again, build.at("02:00"))


def test_an_entry_is_valid_after_the_one_before_it_even_where_a_clock_went_back(ledger, build):
    ledger.declare("new", build.job("new"), {}, build.at("02:00"))
    ledger.declare("new", build.job("new", owner="ann"), {}, build.at("01:00"))
    first, second = ledger.histories()["new"].entries
    assert first.valid_from < second.valid_from
    assert second.declaration.owner == "ann"


def test_a_declaration_comes_back_as_it_was(ledger, build):
    declaration = build.job(
        "new",
        recheck=(timedelta(minutes=15), timedelta(hours=6)),
        since=build.at("00:00"),
        heartbeat_within=timedelta(seconds=1.5),
        partition_name="region",
    )
    ledger.declare("new", declaration, {}, build.at("01:00"))
    with ledger._database.read() as connection:
        stored = type(ledger._register)().read(connection)["new"].history.latest
    assert stored == declaration


def test_histories_are_read_again_only_when_somebody_declared_something(open_ledger, build):
    one, other = open_ledger(), open_ledger()
    one.declare("a", build.job("a"), {}, build.declared)
    known = other.histories()
    assert list(known) == ["a"]
    assert other.histories() is known
    one.declare("b", build.job("b"), {}, build.declared)
    assert set(other.histories()) == {"a", "b"}
    one.retire("a", build.at("01:00"))
    assert set(other.histories()) == {"b"}


def test_an_older_snapshot_knows_only_the_jobs_of_its_time(ledger, build):
    with ledger._database.read() as connection:
        assert set(ledger._register.read(connection)) == {"nightly", "quarter"}
        ledger.declare("new", build.job("new"), {}, build.at("01:00"))
        assert "new" in ledger.histories()
        assert set(ledger._register.read(connection)) == {"nightly", "quarter"}
    assert "new" in ledger.histories()


def test_a_declaration_that_was_not_kept_is_forgotten_at_once(ledger, build):
    def half_done():
        with ledger._transaction(build.at("01:00")) as transaction:
            declaring.declare(transaction, "lost", build.job("lost"), {})
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        half_done()
    ledger.declare("kept", build.job("kept"), {}, build.at("01:00"))
    assert set(ledger.histories()) == {"nightly", "quarter", "kept"}


def test_a_retired_job_is_known_no_more_and_wakes_nobody(ledger, told, build):
    told(build.signal("started", "02:00:05"))
    assert ledger.next_wake() is not None
    assert ledger.retire("nightly", build.at("02:01"))
    assert not ledger.retire("nightly", build.at("02:02"))
    assert set(ledger.histories()) == {"quarter"}
    told(build.signal("heartbeat", "02:03"))
    assert ledger.next_wake() is None
    assert ledger.facts(build.nightly, build.at("02:03")).declaration.job == "nightly"


def test_neither_a_mute_nor_a_blind_window_wakes_a_retired_job(ledger, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    ledger.retire("nightly", build.at("02:01"))
    ledger.blind("native", build.at("01:00"), None, None)
    ledger.act(build.action("mute", "01:30", until=build.at("09:00")), build.at("02:02"))
    assert ledger.next_wake() is None


def test_retiring_a_job_that_was_never_declared_is_an_error(ledger, build):
    with pytest.raises(UnknownJob):
        ledger.retire("nobody", build.at("02:00"))


def test_a_job_that_is_declared_again_looks_after_what_was_open_and_expects_from_then(
    ledger, told, build
):
    ledger.expect("nightly", [build.at("-1 02:00")], build.at("-1 02:00"))
    told(build.signal("started", "02:00:05"))
    ledger.retire("nightly", build.at("02:01"))
    assert ledger.declare("nightly", build.job(), {"statement": "nightly"}, build.at("+5 12:00"))
    assert ledger.last_expected("nightly") == build.at("+5 12:00")
    assert build.nightly in ledger.awake(build.at("+5 12:00"), 10)
    assert ledger.histories()["nightly"].registered == build.declared


def test_what_was_said_at_an_instant_that_was_yet_to_come_is_bound_by_what_held_then(
    ledger, told, build
):
    """A worker's clock was ahead, and the schedule changed meanwhile."""
    said = [
        build.signal("started", "02:30"),
        build.signal("started", "02:31", attempt=None),
        build.signal("started", "01:50", attempt="b"),
    ]
    told(*said, at="02:00")
    hourly = Every(period=timedelta(minutes=30))
    ledger.declare("nightly", build.job(schedule=hourly), {}, build.at("02:10"))
    found = {f"{row.at:%d %H:%M}" for row in ledger.runs(RunFilter())}
    assert found == {"02 02:00", "03 02:30"}
    assert ledger.check(build.at("02:10")) == []


def test_a_run_is_judged_by_what_was_declared_at_its_time(ledger, told, build):
    told(build.signal("started", "02:00:05"), build.signal("succeeded", "02:10"))
    ledger.declare("nightly", build.job(owner="ben"), {}, build.at("03:00"))
    now = build.at("04:00")
    assert ledger.facts(build.nightly, now).declaration.owner is None
    assert ledger.facts(build.key("nightly", "+1 02:00"), now).declaration.owner == "ben"
    assert ledger.facts(build.nightly, now).declared_at == build.declared
    assert ledger.facts(build.key("nightly", "+1 02:00"), now).declared_at == build.at("03:00")


def test_a_run_without_a_slot_is_judged_by_what_was_declared_at_its_first_signal(
    ledger, told, build
):
    told(build.signal("started", "02:30", lane="manual"))
    ledger.declare("nightly", build.job(owner="ben"), {}, build.at("03:00"))
    told(build.signal("started", "03:30", attempt="a2", lane="manual"))
    first, second = (row.key for row in reversed(ledger.runs(RunFilter())))
    assert ledger.facts(first, build.at("04:00")).declaration.owner is None
    assert ledger.facts(second, build.at("04:00")).declaration.owner == "ben"
    assert ledger.facts(second, build.at("04:00")).declared_at == build.at("03:00")


def test_schedules_that_say_the_same_are_one_object_so_their_slots_are_looked_up_once(
    ledger, build
):
    for name, minutes in (("one", 7), ("two", 7), ("other", 8)):
        declaration = build.job(name, schedule=Every(period=timedelta(minutes=minutes)))
        ledger.declare(name, declaration, {}, build.at("01:00"))
    histories = ledger.histories()
    one, two, other = (histories[name].latest.schedule for name in ("one", "two", "other"))
    assert one is two
    assert one is not other
