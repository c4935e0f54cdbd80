import pytest

from verifier.catalogue.histograms import CHECK_DURATION, START_DELAY
from verifier.ledger import tallies
from verifier.ledger.tallies import Counted, Event, Tally


def written(ledger, counted):
    with ledger._database.write() as connection:
        counted.write(connection)
    return {
        (tally.family.removeprefix("landed_"), tally.labels.get("le")): tally.value
        for tally in ledger.tallies()
    }


def test_counts_are_added_up_by_family_job_and_labels(ledger):
    counted = Counted()
    for _ in range(3):
        counted.count("landed_things_total", "a", lane="live", verdict="wrong")
    counted.count("landed_things_total", "a", verdict="verified", lane="live")
    counted.count("landed_other_total", "b")
    for _ in range(2):
        with ledger._database.write() as connection:
            counted.write(connection)
    assert ledger.tallies() == [
        Tally("landed_other_total", "b", {}, 1),
        Tally("landed_things_total", "a", {"lane": "live", "verdict": "verified"}, 1),
        Tally("landed_things_total", "a", {"lane": "live", "verdict": "wrong"}, 3),
    ]
    assert [tally.family for tally in ledger.tallies("landed_other_total")] == [
        "landed_other_total"
    ]


def test_tallies_go_on_from_where_they_were(ledger):
    for _ in range(2):
        counted = Counted()
        counted.count("landed_things_total", "a")
        with ledger._database.write() as connection:
            counted.write(connection)
    assert [tally.value for tally in ledger.tallies()] == [2]


@pytest.mark.parametrize(
    ("value", "le"), [(0, "60"), (60, "60"), (60.001, "300"), (300, "300"), (1e9, "inf")]
)
def test_a_value_is_counted_in_the_bucket_that_holds_it(ledger, value, le):
    counted = Counted()
    counted.observe(START_DELAY, "a", value)
    found = written(ledger, counted)
    assert found["start_delay_seconds_bucket", le] == 1
    assert found.get(("start_delay_seconds_sum", None), 0) == value


def test_a_value_below_nothing_is_nothing(ledger):
    counted = Counted()
    counted.observe(START_DELAY, "a", -7)
    assert written(ledger, counted) == {("start_delay_seconds_bucket", "60"): 1}


def test_values_add_up_by_their_labels(ledger):
    counted = Counted()
    for store, value in (("w", 0.5), ("w", 0.75), ("x", 0.5)):
        counted.observe(CHECK_DURATION, "", value, store=store)
    written(ledger, counted)
    sums = ledger.tallies("landed_check_duration_seconds_sum")
    assert [(each.labels, each.value) for each in sums] == [
        ({"store": "w"}, 1.25),
        ({"store": "x"}, 0.5),
    ]


def test_a_counter_begins_at_nothing_and_a_later_beginning_takes_nothing(ledger):
    for number in range(2):
        counted = Counted()
        counted.start("landed_things_total", "a", lane="manual")
        with ledger._database.write() as connection:
            counted.write(connection)
            (row,) = tallies.of_job(connection, "a")
            assert row.value == number
            counted.count("landed_things_total", "a", lane="manual")
            counted.write(connection)


def test_what_is_taken_back_is_not_counted_again_and_lowers_nothing(ledger):
    counted = Counted()
    for _ in range(3):
        counted.count("landed_runs_created_total", "a")
    assert written(ledger, counted) == {("runs_created_total", None): 3}
    counted.take_back("a", {Event.CREATED: 2})
    assert written(ledger, counted) == {("runs_created_total", None): 3}
    counted.count("landed_runs_created_total", "a")
    counted.count("landed_runs_created_total", "b")
    counted.take_back("a", {Event.CREATED: 2})
    written(ledger, counted)
    found = ledger.tallies("landed_runs_created_total")
    assert [(each.job, each.value) for each in found] == [("a", 3), ("b", 1)]


def test_every_event_has_a_family():
    assert set(tallies.FAMILIES) == set(Event)
    of_partitions = {Event.LISTED, Event.COVERED, Event.HELD, Event.SHARED}
    others = set(Event) - of_partitions
    assert len({tallies.FAMILIES[event].name for event in others}) == len(others)
    # What a run of all stands for is counted where its partitions would be.
    assert {tallies.FAMILIES[event].name for event in of_partitions} <= {
        tallies.RUNS_DUE,
        *(tallies.FAMILIES[event].name for event in others),
    }
