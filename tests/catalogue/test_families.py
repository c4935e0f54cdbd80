import pytest

from verifier.catalogue import families
from verifier.catalogue.counters import RUNS_JUDGED
from verifier.catalogue.families import FAMILIES, UnknownFamily, family, family_of_sample
from verifier.catalogue.histograms import START_DELAY
from verifier.catalogue.process import STORE_UP


def test_a_family_is_found_by_its_name():
    assert family("landed_runs_judged_total") is RUNS_JUDGED


def test_a_name_that_nobody_declared_is_refused():
    with pytest.raises(UnknownFamily, match="expected a metric of the catalogue, found 'landed_x'"):
        family("landed_x")


def test_a_family_without_data_is_refused_with_the_reason():
    assert not STORE_UP.available
    with pytest.raises(UnknownFamily, match="landed_store_up has no data: stores are asked by"):
        family("landed_store_up")


@pytest.mark.parametrize("part", ["bucket", "sum", "count"])
def test_a_histogram_is_found_by_its_samples_and_not_by_its_own_name(part):
    assert family_of_sample(f"landed_start_delay_seconds_{part}") is START_DELAY
    with pytest.raises(UnknownFamily):
        family_of_sample("landed_start_delay_seconds")


def test_a_counter_is_found_by_its_sample_and_not_without_its_suffix():
    assert family_of_sample("landed_runs_judged_total") is RUNS_JUDGED
    with pytest.raises(UnknownFamily):
        family_of_sample("landed_runs_judged")


def test_every_available_family_is_found_and_no_other():
    for each in FAMILIES:
        if each.available:
            assert family(each.name) is each
        else:
            with pytest.raises(UnknownFamily):
                family(each.name)


def test_names_are_unique():
    assert len(families._BY_NAME) == len(FAMILIES)


def test_a_label_is_found_by_its_name():
    assert RUNS_JUDGED.label("verdict").values[0] == "duplicated"
    with pytest.raises(KeyError, match="expected a label of landed_runs_judged_total"):
        RUNS_JUDGED.label("colour")
