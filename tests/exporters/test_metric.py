import pytest

from verifier.catalogue.counters import RUNS_DUE, RUNS_JUDGED
from verifier.catalogue.histograms import CHECK_DURATION, START_DELAY
from verifier.catalogue.states import JOB_INFO
from verifier.exporters.metric import metric
from verifier.exporters.rows import Distribution, Row


def test_a_histogram_is_written_as_buckets_that_add_up():
    made = metric(START_DELAY, [Row(("nightly",), Distribution([2, 1, 4], 7.5))])
    told = [
        (s.name.removeprefix("landed_start_delay_seconds_"), s.labels, s.value)
        for s in made.samples
    ]
    job = {"job_name": "nightly"}
    assert told == [
        ("bucket", job | {"le": "60.0"}, 2),
        ("bucket", job | {"le": "300.0"}, 3),
        ("bucket", job | {"le": "+Inf"}, 7),
        ("sum", job, 7.5),
        ("count", job, 7),
    ]


def test_counters_and_infos_keep_the_suffix_on_their_samples_only():
    counter = metric(RUNS_DUE, [Row(("nightly",), 3)])
    assert (counter.name, counter.samples[0].name) == ("landed_runs_due", "landed_runs_due_total")
    info = metric(JOB_INFO, [Row(("nightly", "none", "none", "allow", "none", ""), 1)])
    assert (info.name, info.type, info.samples[0].name) == ("landed_job", "info", "landed_job_info")


def test_a_row_with_too_few_labels_is_a_defect():
    with pytest.raises(ValueError, match="shorter"):
        metric(RUNS_JUDGED, [Row(("nightly", "live"), 1)])


def test_a_distribution_of_a_counter_is_a_defect():
    with pytest.raises(TypeError, match="expected a number for landed_runs_due_total"):
        metric(RUNS_DUE, [Row(("nightly",), Distribution([1], 1))])


def test_a_histogram_without_a_job_has_its_own_labels():
    made = metric(CHECK_DURATION, [Row(("warehouse",), Distribution([0, 0, 0, 1, 0], 2))])
    assert made.samples[-1].labels == {"store": "warehouse"}
