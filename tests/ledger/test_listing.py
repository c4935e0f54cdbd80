import pytest

from verifier.ledger.listing import RunFilter
from verifier.ledger.types import RunLane
from verifier.runs.occurrence import Useful
from verifier.runs.verdict import Verdict


@pytest.fixture
def week(ledger, told, build):
    """Three nights, one of them wrong, a run of quarter, and one made by hand."""
    key = told.night()
    for day, word, worker in (("+1", "partial", "w1"), ("+2", "complete", "w2")):
        night = build.key("nightly", f"{day} 02:00")
        told(
            build.signal("started", f"{day} 02:00:01", attempt=day, worker=worker),
            build.signal("succeeded", f"{day} 02:10", attempt=day),
        )
        for when in (f"{day} 02:11", f"{day} 02:12"):
            ledger.record(night, build.evaluation(night, when, word), build.at(when))
    told(build.signal("started", "05:00", attempt="q", job="quarter"))
    told(build.signal("started", "06:00", attempt="m", lane="manual"))
    assert ledger.row(key).verdict == "verified"
    return ledger


def listed(ledger, **filters):
    return [f"{row.key.job} {row.at:%d %H:%M}" for row in ledger.runs(RunFilter(**filters))]


def test_runs_are_listed_newest_first(week):
    assert listed(week) == [
        "nightly 05 02:00",
        "nightly 04 02:00",
        "nightly 03 06:00",
        "quarter 03 05:00",
        "nightly 03 02:00",
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"job": "quarter"}, ["quarter 03 05:00"]),
        ({"verdict": Verdict.PARTIAL}, ["nightly 04 02:00"]),
        ({"lane": RunLane.OTHER}, ["nightly 03 06:00"]),
        ({"worker": "w2"}, ["nightly 05 02:00"]),
        ({"worker": "nobody"}, []),
        ({"partition": "de"}, []),
        ({"partition": "", "limit": 1}, ["nightly 05 02:00"]),
    ],
)
def test_filters_pick_runs(week, filters, expected):
    assert listed(week, **filters) == expected


def test_since_is_included_and_until_is_not(week, build):
    since, until = build.at("02:00"), build.at("05:00")
    assert listed(week, since=since, until=until) == ["nightly 03 02:00"]
    assert listed(week, since=until, until=build.at("06:00")) == ["quarter 03 05:00"]


def test_a_cursor_goes_on_where_a_page_ended(week):
    pages, cursor = [], None
    while page := week.runs(RunFilter(limit=2, cursor=cursor)):
        pages += page
        cursor = page[-1].cursor
    assert pages == week.runs(RunFilter())


@pytest.mark.parametrize("cursor", ["", "x", "12", "99999999999999999999999.r", "1.5.x"])
def test_a_text_that_is_no_cursor_is_an_error_or_the_end(week, cursor):
    if cursor in ("12", "1.5.x"):
        assert week.runs(RunFilter(cursor=cursor)) == []
    else:
        with pytest.raises(ValueError, match="expected a cursor"):
            week.runs(RunFilter(cursor=cursor))


def test_a_run_is_found_by_its_id(week, build):
    assert week.find(build.nightly.run_id) == build.nightly
    assert week.find("r0") is None
    assert week.row(build.key("nightly", "+9 02:00")) is None


def test_the_newest_useful_run_is_the_one_with_the_greatest_due(week, build):
    newest = Useful(build.at("+2 02:00"), build.at("+2 02:10"))
    assert week.last_useful("nightly") == newest
    assert week.last_useful("quarter") is None


def test_an_older_night_that_is_verified_later_does_not_refresh_the_newest(week, build, told):
    late = build.key("nightly", "-1 02:00")
    told(
        build.signal("started", "+3 10:00", attempt="late", due=late.due),
        build.signal("succeeded", "+3 10:10", attempt="late"),
    )
    week.record(late, build.evaluation(late, "+3 10:11", "complete"), build.at("+3 10:11"))
    assert week.row(late).useful
    assert week.last_useful("nightly").due == build.at("+2 02:00")


def test_what_other_verified_runs_answered_tells_what_is_usual(week, build):
    tonight, unknown = build.key("nightly", "+2 02:00"), build.key("quarter", "+2 02:00")
    answers = week.verified_answers(tonight, 20)
    assert set(answers) == {"rows"}
    assert {each.expected for each in answers["rows"]} == {3}
    nights = len(answers["rows"])
    assert len(week.verified_answers(build.key("nightly", "+9 02:00"), 20)["rows"]) == nights + 1
    assert len(week.verified_answers(tonight, 1)["rows"]) == 1
    assert week.verified_answers(unknown, 20) == {}
