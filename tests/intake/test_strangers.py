import structlog

from verifier.intake.receipt import RejectCode, Rejection
from verifier.intake.strangers import Strangers


def refused(job, code=RejectCode.UNKNOWN_JOB):
    return Rejection(index=0, code=code, detail=f"expected a declared job, found {job!r}")


def lines(strangers, *rejected):
    with structlog.testing.capture_logs() as logs:
        strangers.meet("native", rejected)
    return [each["detail"].rpartition(" ")[2] for each in logs]


def test_each_unknown_job_is_told_of_once():
    strangers = Strangers()
    assert lines(strangers, refused("a"), refused("b"), refused("a")) == ["'a'", "'b'"]
    assert lines(strangers, refused("a"), refused("c")) == ["'c'"]


def test_what_is_refused_for_another_reason_is_not_told_of():
    assert lines(Strangers(), refused("a", RejectCode.BAD_TIME)) == []


def test_no_more_than_so_many_are_told_of():
    strangers = Strangers(most=3)
    assert lines(strangers, *map(refused, "abcdef")) == ["'a'", "'b'", "'c'"]
    assert lines(strangers, refused("g")) == []
