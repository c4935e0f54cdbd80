from verifier.catalogue.counters import RUNS_JUDGED
from verifier.catalogue.histograms import START_DELAY
from verifier.exporters.rows import Distribution, Row, combinations, distribution, instants


def test_an_instant_that_does_not_exist_is_no_row(build):
    moments = [(("a",), None), (("b",), build.at("02:00:00.25"))]
    assert instants(moments) == [Row(("b",), 1775181600.25)]


def test_every_combination_of_closed_labels_is_made_in_declared_order():
    made = list(combinations(RUNS_JUDGED, "nightly"))
    assert made[0] == ("nightly", "live", "duplicated")
    assert made[-1] == ("nightly", "other", "verified")
    assert len(made) == len(set(made)) == 20


def test_a_distribution_goes_into_the_buckets_that_there_are():
    found = distribution(START_DELAY, {60.0: 2, 300.0: 1, float("inf"): 4}, 7.5)
    assert found == Distribution([2, 1, 4], 7.5)


def test_a_bound_that_is_declared_no_more_goes_into_the_next_higher_one():
    found = distribution(START_DELAY, {10.0: 1, 60.0: 2, 120.0: 3, 900.0: 5}, 0)
    assert found.counts == [3, 3, 5]
