"""What a scraper gets: byte for byte, whole or nothing, in the format that it asks for."""

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from verifier.catalogue.families import FAMILIES
from verifier.catalogue.family import Presence, Type
from verifier.exporters.exposition import Exposition
from verifier.runs.declaration import Every
from verifier.runs.signal import Lane, Progress

DATA = Path(__file__).parents[1] / "data"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
ODD = 'ann "the\\boss"\n{a="b"} # HELP é'


@pytest.fixture
def fleet(ledger, told, build):
    """A night that verified, one that is running, one that was a lie, and a quiet job."""
    quarter = build.job("quarter", Every(period=timedelta(minutes=15)), checks=(), owner=ODD)
    ledger.declare("quarter", quarter, {}, build.at("00:30"))
    ledger.listening("native", build.at("02:00"))
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    told(build.signal("created", "02:00"), build.signal("started", "02:00:20"))
    told(build.signal("succeeded", "02:30:20"))
    key = build.nightly
    ledger.record(key, build.evaluation(key, "02:30:30"), build.at("02:30:30"))
    lie = build.key("nightly", "+1 02:00")
    ledger.expect("nightly", [lie.due], lie.due)
    told(build.signal("started", "+1 02:01", "a2"), build.signal("succeeded", "+1 02:05", "a2"))
    for when in ("+1 02:06", "+1 02:06:20"):
        answer = build.evaluation(lie, when, "partial", surplus=1)
        ledger.record(lie, answer, build.at(when))
    told(build.signal("started", "+1 03:00", "hand", lane=Lane.MANUAL))
    ledger.expect("quarter", [build.at("+1 03:45")], build.at("+1 03:45"))
    told(
        build.signal("started", "+1 03:46", "q1", "quarter"),
        build.signal("progress", "+1 03:47", "q1", "quarter", progress=Progress(done=1)),
    )
    ledger.blind("native", build.at("+1 03:30"), build.at("+1 03:31"), build.at("+1 03:32"))
    return ledger


@pytest.fixture
def scrape(fleet, watch):
    seen = watch(fleet)
    seen.exposition.meters.took("native", ["started", "succeeded", "started"])
    seen.exposition.meters.refused("native", ["unknown_job"])
    return lambda accept: seen.page("+1 03:52:30", accept)


@pytest.mark.parametrize(
    ("name", "accept"), [("metrics.txt", "text/plain"), ("metrics.openmetrics.txt", OPENMETRICS)]
)
def test_the_page_is_byte_for_byte_what_it_was(scrape, name, accept, tmp_path):
    page = scrape(accept)
    (tmp_path / name).write_text(page, encoding="utf-8")
    kept = (DATA / name).read_text(encoding="utf-8")
    assert page == kept, f"if the change is meant: cp {tmp_path / name} tests/data/"


def test_both_formats_are_read_by_their_parsers_and_tell_the_same(scrape):
    def samples(families):
        return sorted(
            (s.name, sorted(s.labels.items()), s.value) for f in families for s in f.samples
        )

    text, openmetrics = scrape("text/plain"), scrape(OPENMETRICS)
    assert samples(read_text(text)) == samples(read_openmetrics(openmetrics))


def test_an_owner_with_quotes_lines_and_braces_comes_through(scrape):
    (info,) = (f for f in read_openmetrics(scrape(OPENMETRICS)) if f.name == "landed_job")
    assert {s.labels["owner"] for s in info.samples} == {"finance-data", ODD}


def test_every_family_with_data_is_on_the_page_and_no_other(scrape):
    found = {family.name: family for family in read_openmetrics(scrape(OPENMETRICS))}
    declared = {family.base: family for family in FAMILIES if family.available}
    assert found.keys() == declared.keys()
    for base, family in declared.items():
        assert (found[base].type, found[base].documentation) == (family.type, family.help)
        assert found[base].unit == family.unit


def test_every_sample_has_the_labels_and_the_values_that_are_declared(scrape):
    declared = {family.base: family for family in FAMILIES}
    seen = set()
    for found in read_openmetrics(scrape(OPENMETRICS)):
        family = declared[found.name]
        for sample in found.samples:
            seen.add(family)
            assert sample.name in family.sample_names
            own = {name: text for name, text in sample.labels.items() if name != "le"}
            assert own.keys() == set(family.label_names)
            for label in family.labels:
                assert not label.closed or own[label.name] in label.values
    always = {f for f in FAMILIES if f.available and f.presence is Presence.ALWAYS}
    assert always <= seen


def test_the_page_is_in_order(scrape):
    names = [line.split(" ")[2] for line in scrape("text/plain").splitlines() if "# TYPE" in line]
    assert names == sorted(names)
    assert len(names) == len(set(names))


def test_histograms_add_up(scrape):
    for found in read_openmetrics(scrape(OPENMETRICS)):
        if found.type != Type.HISTOGRAM:
            continue
        by_job = {}
        for sample in found.samples:
            rest = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            by_job.setdefault(rest, []).append(sample)
        for samples in by_job.values():
            buckets = [s.value for s in samples if s.name.endswith("_bucket")]
            assert buckets == sorted(buckets)
            assert buckets[-1] == next(s.value for s in samples if s.name.endswith("_count"))


def test_before_the_first_figures_there_is_no_page(build):
    assert Exposition(timedelta(seconds=15)).answer("text/plain", build.at("02:00")) is None


def test_the_last_figures_stay_with_their_old_time_and_a_new_time_of_scraping(seen, build):
    seen.refresh("02:00")
    page = seen.exposition.answer("text/plain", build.at("02:30")).body.decode()
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    taken = float(lines['landed_last_evaluation_timestamp_seconds{loop="metrics"}'])
    assert taken == build.at("02:00").timestamp()
    assert float(lines["landed_scrape_timestamp_seconds"]) == build.at("02:30").timestamp()
    assert not any('loop="tick"' in name and "evaluation" in name for name in lines)


def test_a_job_that_did_not_change_is_neither_read_nor_written_again(fleet, watch):
    seen = watch(fleet)
    seen.refresh("+1 04:00")
    before = seen.exposition._taken
    seen.refresh("+1 04:00:01")
    after = seen.exposition._taken
    assert after.snapshot.jobs["nightly"] is before.snapshot.jobs["nightly"]
    assert after.jobs["nightly"] is before.jobs["nightly"]
    assert after.jobs["quarter"] is not before.jobs["quarter"]


def test_time_alone_changes_the_figures_of_a_job_that_rests(ledger, seen, build):
    lines = seen("02:00")
    due = 'landed_job_next_due_timestamp_seconds{job_name="nightly"}'
    assert lines[due] == build.at("+1 02:00").timestamp()
    assert seen("+1 01:59:59")[due] == build.at("+1 02:00").timestamp()
    assert seen("+1 02:00")[due] == build.at("+2 02:00").timestamp()
