from datetime import timedelta

import pytest
from msgspec import structs

from verifier.ledger.listing import RunFilter
from verifier.ledger.types import RunLane
from verifier.runs.declaration import CheckTraits, Every
from verifier.runs.evaluation import CheckResult, PartitionCount, Result
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


# A job whose partitions are told apart, every hour.


class Hours:
    """Runs of all ten partitions, each looked at twice, ten minutes after it was due."""

    def __init__(self, ledger, build):
        self.ledger, self.build = ledger, build
        checks = (
            CheckTraits(name="rows", type="scope", says_effect=True, apart=True),
            CheckTraits(name="total", type="reconcile"),
            CheckTraits(name="hint", type="reconcile", only_warns=True),
        )
        job = build.job("tenants", Every(period=timedelta(hours=1)), checks=checks)
        job = structs.replace(job, partition_name="tenant")
        ledger.declare("tenants", job, {}, build.declared)

    def of(self, hour, partition=""):
        return self.build.key("tenants", f"{hour:02}:00", partition)

    def look(self, hour, *lacking, unnamed=0, amiss=(), alone=()):
        """``lacking`` are exceptions with a name, ``alone`` those that were verified since."""
        holding = 10 - len(lacking) - unnamed
        count = PartitionCount(total=10, holding=holding, exceptions=lacking)
        word = "complete" if holding == 10 else "partial"
        for minute in (10, 11):
            when, key = f"{hour:02}:{minute}", self.of(hour)
            found = self.build.evaluation(key, when, word, expected=10, done=holding)
            quality = [
                CheckResult(
                    name=name,
                    type="reconcile",
                    result=Result.VIOLATED if name in amiss else Result.HOLDS,
                    evaluated_at=self.build.at(when),
                )
                for name in ("total", "hint")
            ]
            results = (*found.results, *quality)
            found = structs.replace(found, results=results, partitions=count)
            parts = {
                self.of(hour, name): self.build.evaluation(
                    self.of(hour, name),
                    when,
                    "complete" if name in alone else "partial",
                    expected=1,
                )
                for name in lacking
            }
            self.ledger.record(key, found, self.build.at(when), partitions=parts)

    @property
    def useful(self):
        found = self.ledger.last_useful("tenants")
        return None if found is None else found.due.hour


@pytest.fixture
def hours(ledger, build):
    return Hours(ledger, build)


def test_a_partition_is_as_fresh_as_the_newest_run_that_served_it(hours):
    hours.look(1, "a")
    hours.look(2, "b")
    assert hours.useful == 1
    hours.look(3)
    assert hours.useful == 3


def test_where_not_all_exceptions_have_a_name_nobody_knows_who_was_served(hours):
    hours.look(1, "a")
    hours.look(2, "b", unnamed=4)
    assert hours.useful is None


def test_what_is_wrong_with_the_whole_run_serves_nobody(hours):
    hours.look(1, "a")
    hours.look(2, amiss=["total"])
    assert hours.useful is None


def test_what_only_warns_keeps_nobody_from_being_served(hours):
    hours.look(1, "a")
    hours.look(2, "b", amiss=["hint"])
    assert hours.useful == 1


def test_a_partition_that_was_verified_by_itself_was_served(hours):
    hours.look(1, "a")
    hours.look(2, "a", "b", alone=["a"])
    assert hours.useful == 1


def test_a_run_of_all_that_a_person_counts_as_useful_served_everybody(hours, build):
    hours.look(1, "a")
    key = hours.of(1)
    finding = hours.ledger.judge([key], build.at("01:12"))[key].standing.finding
    said = build.action(
        "reconcile", "01:20", "tenants", key, evidence=finding.digest, counts_as_useful=True
    )
    hours.ledger.act(said)
    assert hours.useful is None  # a is open still
    part = hours.of(1, "a")
    seen = hours.ledger.judge([part], build.at("01:21"))[part].standing.finding
    hours.ledger.act(build.action("reconcile", "01:30", "tenants", part, evidence=seen.digest))
    assert hours.useful == 1


def test_what_checks_answered_last_is_told_of_the_run_of_all(hours, build):
    names = "abcdef"
    hours.look(1, *names)
    answers = hours.ledger.job_facts("tenants", build.at("01:30")).answers
    assert [each.expected for each in answers if each.name == "rows"] == [10]
