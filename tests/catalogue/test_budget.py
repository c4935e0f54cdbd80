import msgspec

from verifier.catalogue.budget import HELD_AT_ONCE, MOST_SERIES, series, series_per_job
from verifier.catalogue.counters import ATTEMPTS, RUNS_DUE, RUNS_JUDGED
from verifier.catalogue.families import FAMILIES
from verifier.catalogue.histograms import CHECK_DURATION, START_DELAY
from verifier.catalogue.states import CHECK_RESULT, JOB_INFO, RUNS_OPEN, SCOPE_KEYS


def test_a_job_with_four_checks_has_room_for_its_troubles():
    assert series_per_job(FAMILIES) + HELD_AT_ONCE <= MOST_SERIES == 120


def test_a_histogram_counts_its_buckets_its_sum_and_its_count():
    assert series(START_DELAY) == len(START_DELAY.buckets) + 3


def test_a_split_counter_counts_its_live_lane():
    assert (series(RUNS_JUDGED), series(ATTEMPTS), series(RUNS_DUE)) == (10, 5, 1)


def test_of_a_result_one_value_is_there_at_a_time():
    assert (series(CHECK_RESULT), series(CHECK_RESULT, checks=2)) == (4, 2)


def test_keys_are_counted_for_the_checks_that_have_keys():
    assert (series(SCOPE_KEYS), series(SCOPE_KEYS, checks=1)) == (10, 5)


def test_an_info_is_one_series_and_what_is_held_and_what_has_no_job_are_none():
    assert (series(JOB_INFO), series(RUNS_OPEN), series(CHECK_DURATION)) == (1, 0, 0)


def test_a_family_without_data_counts_for_nothing():
    gone = msgspec.structs.replace(RUNS_JUDGED, missing="nobody judges any more")
    assert series_per_job([gone, RUNS_DUE]) == 1
