"""Whether the limits of a job leave room for each other and for heartbeats."""

from verifier.config.codes import Code
from verifier.config.compile import WRAPPER_BEAT, lease
from verifier.config.job import JobModel
from verifier.config.reporter import Reporter
from verifier.runs.duration import format_duration


def check_limits(job: JobModel, reporter: Reporter) -> None:
    """Report limits that cannot both be meant."""
    if job.start_within and job.finish_within and job.start_within > job.finish_within:
        reporter.error(
            Code.LIMITS_CONTRADICT,
            ("start_within",),
            f"expected at most finish_within ({format_duration(job.finish_within)}), "
            f"found {format_duration(job.start_within)}",
            "both count from due",
        )
    if job.verified_within and job.finish_within and job.verified_within < job.finish_within:
        reporter.warning(
            Code.LIMITS_CONTRADICT,
            ("verified_within",),
            f"expected at least finish_within ({format_duration(job.finish_within)}), "
            f"found {format_duration(job.verified_within)}",
            "both count from due: the job would be stale while it is still in time",
        )
    if job.runtime_within and job.finish_within and job.runtime_within > job.finish_within:
        reporter.warning(
            Code.LIMITS_CONTRADICT,
            ("runtime_within",),
            f"expected at most finish_within ({format_duration(job.finish_within)}), "
            f"found {format_duration(job.runtime_within)}",
            "a run that starts when it is due would be overdue before",
        )
    for index, after in enumerate(job.recheck):
        if after in job.recheck[:index]:
            found = format_duration(after)
            reporter.error(
                Code.BAD_VALUE, ("recheck", index), f"expected each time once, found {found} again"
            )
    _check_beats(job, reporter)


def _check_beats(job: JobModel, reporter: Reporter) -> None:
    beat = format_duration(WRAPPER_BEAT)
    if job.heartbeat_within is not None and job.heartbeat_within <= WRAPPER_BEAT:
        reporter.warning(
            Code.BEAT_TOO_SHORT,
            ("heartbeat_within",),
            f"expected more than {beat}, found {format_duration(job.heartbeat_within)}",
            f"the wrapper beats every {beat}; a job that beats by itself may do so more often",
        )
    if job.lease is None:
        return
    if job.heartbeat_within is not None and job.lease < job.heartbeat_within:
        reporter.error(
            Code.BEAT_TOO_SHORT,
            ("lease",),
            f"expected at least heartbeat_within ({format_duration(job.heartbeat_within)}), "
            f"found {format_duration(job.lease)}",
            "a job would be lost before its heartbeat is even late",
        )
    elif job.heartbeat_within is None and lease(job) <= WRAPPER_BEAT:
        reporter.warning(
            Code.BEAT_TOO_SHORT,
            ("lease",),
            f"expected more than {beat}, found {format_duration(job.lease)}",
            f"the wrapper beats every {beat}, so a healthy job would be called lost",
        )
