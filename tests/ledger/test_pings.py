"""A job that is pinged cannot tell later what it said while nobody listened."""

import pytest

from verifier.ledger import latest, pings


def ping(ledger, build, when="-1 02:10", job="nightly"):
    signal = build.signal("succeeded", when, attempt=None, job=job, id=f"ping/{job}/{when}")
    ledger.append([signal], source="ping", received_at=build.at(when))


def tell(ledger, build, when="-1 02:10"):
    """The job tells by itself, of last night's run, and by no ping."""
    signal = build.signal("succeeded", when, attempt=None)
    ledger.append([signal], source="http", received_at=build.at(when))


def be_away(ledger, build):
    """Nobody listened when the night's run should have started; spools were read by 03:10."""
    ledger.blind("native", build.at("01:00"), build.at("03:00"), build.at("03:10"))


def missed(ledger, build):
    """The night's run, called missing since nobody was heard and nothing is there."""
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    for when in ("04:00", "04:00:10"):
        answer = build.evaluation(build.nightly, when, "none", "miss")
        ledger.record(build.nightly, answer, build.at(when))
    return ledger.row(build.nightly).verdict


@pytest.mark.parametrize("source", ["ping", "http"])
def test_only_a_job_that_is_pinged_never_catches_up(ledger, build, source):
    tell(ledger, build) if source == "http" else ping(ledger, build)
    be_away(ledger, build)
    facts = ledger.facts(build.nightly, build.at("05:00"))
    lost = source == "ping"
    assert (facts.deaf, facts.miss_after) == (lost, None if lost else build.at("03:10"))
    assert missed(ledger, build) == ("ambiguous" if lost else "missing")


def test_pings_of_one_job_say_nothing_of_another(ledger, build):
    ping(ledger, build, "-1 02:15", job="quarter")
    tell(ledger, build)
    be_away(ledger, build)
    assert missed(ledger, build) == "missing"


def test_of_a_pinged_job_silence_counts_while_somebody_listened(ledger, build):
    ping(ledger, build)
    ledger.blind("native", build.at("03:00"), build.at("03:30"), build.at("03:31"))
    assert missed(ledger, build) == "missing"


def test_a_pinged_job_that_a_scheduler_tells_of_catches_up_with_its_scheduler(ledger, build):
    ping(ledger, build)
    bound = build.job(source="celery", scheduler="celery")
    ledger.declare("nightly", bound, {"statement": "bound"}, build.at("-1 12:00"))
    be_away(ledger, build)
    ledger.blind("celery", build.at("01:00"), build.at("03:00"), build.at("03:20"))
    facts = ledger.facts(build.nightly, build.at("05:00"))
    assert (facts.deaf, facts.miss_after) == (False, build.at("03:20"))


def test_who_was_never_heard_before_may_have_pinged(ledger, build):
    be_away(ledger, build)
    assert missed(ledger, build) == "ambiguous"
    facts = ledger.facts(build.nightly, build.at("05:00"))
    # What spools may still bring is waited for.
    assert (facts.deaf, facts.miss_after, facts.heard_again) == (True, None, build.at("03:10"))
    tell(ledger, build, "+1 02:10")
    later = build.signal("started", "+1 02:10")
    ledger.append([later], source="http", received_at=build.at("+1 02:10"))
    ledger.judge([build.nightly], build.at("+1 02:11"))
    assert ledger.row(build.nightly).verdict == "ambiguous"  # it was not known at that time


def test_what_was_heard_before_is_what_began_or_ended_before_the_run_was_due(ledger, build):
    started = build.signal("started", "-1 02:10")
    ledger.append([started], source="http", received_at=build.at("-1 02:10"))
    be_away(ledger, build)
    assert missed(ledger, build) == "missing"


def test_who_was_never_heard_is_missing_while_somebody_listened(ledger, build):
    ledger.blind("native", build.at("03:00"), build.at("03:30"), build.at("03:31"))
    assert missed(ledger, build) == "missing"


def test_of_whom_a_scheduler_tells_nobody_has_to_be_heard_before(ledger, build):
    bound = build.job(source="celery", scheduler="celery")
    ledger.declare("nightly", bound, {"statement": "bound"}, build.at("-1 12:00"))
    ledger.blind("celery", build.at("01:00"), build.at("03:00"), build.at("03:20"))
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    facts = ledger.facts(build.nightly, build.at("05:00"))
    assert (facts.deaf, facts.miss_after) == (False, build.at("03:20"))


def test_the_first_ping_of_a_job_takes_back_what_was_missing_while_nobody_listened(ledger, build):
    tell(ledger, build)
    be_away(ledger, build)
    assert missed(ledger, build) == "missing"
    ping(ledger, build, "+1 02:10")
    assert build.nightly in ledger.awake(build.at("+1 02:10"), 10)
    ledger.judge([build.nightly], build.at("+1 02:10"))
    assert ledger.row(build.nightly).verdict == "ambiguous"
    before = ledger.row(build.nightly)
    ping(ledger, build, "+1 02:20")
    assert ledger.row(build.nightly) == before  # only the first one is news


def test_who_pings_is_a_job_that_no_scheduler_tells_of_and_that_is_still_declared(ledger, build):
    for job in ("nightly", "quarter"):
        ping(ledger, build, job=job)
    assert ledger.pinged() == {"nightly", "quarter"}
    bound = build.job(source="celery", scheduler="celery")
    ledger.declare("nightly", bound, {"statement": "bound"}, build.at("-1 12:00"))
    ledger.retire("quarter", build.at("-1 12:00"))
    assert ledger.pinged() == set()


def test_pings_are_one_source_whichever_jobs_they_are_of(ledger, build):
    ping(ledger, build, "-1 02:10")
    ping(ledger, build, "-1 02:05", job="quarter")
    with ledger._database.read() as connection:
        assert latest.heard(connection) == {"ping": build.at("-1 02:10")}
        assert pings.of_jobs(connection, ["nightly", "quarter", "other"]) == {"nightly", "quarter"}
        assert pings.of_jobs(connection, ["quarter"]) == {"quarter"}
