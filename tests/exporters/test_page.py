import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest as write_text
from prometheus_client.openmetrics.exposition import generate_latest as write_openmetrics

from verifier.catalogue.counters import RUNS_DUE
from verifier.catalogue.histograms import START_DELAY
from verifier.catalogue.states import JOB_INFO, RECENT_RATIO, RUNS_OPEN
from verifier.exporters import page as pages
from verifier.exporters.page import OPENMETRICS, ORDER, TEXT, RowsCollector, choose, join, write
from verifier.exporters.rows import Distribution, Row

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4", TEXT),
        ("text/plain", TEXT),
        ("*/*", TEXT),
        ("", TEXT),
        (None, TEXT),
        ("text/html,application/xhtml+xml", TEXT),
        ("application/openmetrics-text;version=banana", TEXT),
        (";;;,,=", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept, form):
    assert choose(accept) is form


def test_the_content_type_names_the_version_that_is_written_whatever_was_asked_for():
    assert choose("application/openmetrics-text;version=7.0.0").content_type == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert TEXT.content_type == "text/plain; version=0.0.4; charset=utf-8"


VALUES = st.floats(allow_nan=False) | st.integers(0, 10**15).map(float)
COUNTS = st.lists(st.integers(0, 9), min_size=3, max_size=3)
NAMES = st.text(min_size=1, max_size=8)


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, list[Row]]:
    name = draw(NAMES)
    return {
        RUNS_DUE.name: [Row((name,), draw(VALUES))],
        RUNS_OPEN.name: [
            Row((name, "live", verdict), draw(VALUES))
            for verdict in draw(st.sets(st.sampled_from(["wrong", "partial"])))
        ],
        RECENT_RATIO.name: [],
        START_DELAY.name: [Row((name,), Distribution(draw(COUNTS), draw(VALUES)))],
        JOB_INFO.name: [Row((name, "none", "none", "allow", "none", draw(st.text())), 1)],
    }


@settings(deadline=None)
@given(st.lists(jobs(), max_size=4))
def test_parts_put_together_are_what_prometheus_client_writes_at_once(parts):
    whole = {
        family.name: [row for part in parts for row in part.get(family.name, ())]
        for family in ORDER
    }
    collector = RowsCollector(ORDER, whole)
    joined = join(write(part) for part in parts)
    assert pages.page(TEXT, joined) == write_text(collector)
    assert pages.page(OPENMETRICS, joined) == write_openmetrics(collector)


def test_a_part_beside_another_stands_after_it():
    first, second = (write({RUNS_DUE.name: [Row((name,), 1)]}) for name in "ab")
    page = pages.page(TEXT, first, second).decode()
    assert 'total{job_name="a"} 1.0\nlanded_runs_due_total{job_name="b"} 1.0\n' in page


def test_a_family_without_samples_is_still_named():
    page = pages.page(TEXT).decode()
    assert page.count("# TYPE ") == len(ORDER)
    assert pages.page(OPENMETRICS).endswith(b"# EOF\n")
