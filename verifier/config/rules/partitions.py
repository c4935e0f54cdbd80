"""Whether what a job says of its partitions fits together."""

from collections.abc import Collection

from verifier.checks.split import PartitionedCheck
from verifier.config.codes import Code
from verifier.config.job import JobModel
from verifier.config.keys import nearest
from verifier.config.reporter import Reporter


def check_partitions(job: JobModel, stores: Collection[str] | None, reporter: Reporter) -> None:
    """Report partitions that no check tells apart, and checks that tell apart what is one.

    ``stores`` is None where they are not looked up.
    """
    apart = [
        index
        for index, check in enumerate(job.checks)
        if isinstance(check, PartitionedCheck) and check.partition is not None
    ]
    if job.partitions is None:
        for index in apart:
            message = "expected a job with partitions, found one without"
            hint = "declare partitions: {name, store, sql}, or leave this out"
            at = ("checks", index, "partition")
            reporter.error(Code.PARTITIONS_UNCLEAR, at, message, hint, at_key=True)
        if job.complete_when is not None:
            message = "expected a job with partitions, found one without"
            at_when = ("complete_when",)
            reporter.error(Code.PARTITIONS_UNCLEAR, at_when, message, at_key=True)
        return
    if stores is not None and job.partitions.store not in stores:
        reporter.error(
            Code.UNKNOWN_STORE,
            ("partitions", "store"),
            f"expected a store that stores declares, found '{job.partitions.store}'",
            nearest(job.partitions.store, stores) or None,
        )
    watched = {name for index in apart for name in _surfaces(job, index)}
    for index, surface in enumerate(job.surfaces or ()):
        if surface.kind.repeats_harm and surface.name not in watched:
            reporter.error(
                Code.PARTITIONS_UNCLEAR,
                ("surfaces", index),
                f"expected a check with partition: COLUMN that looks at {surface.name}, found none",
                "what one partition left there could not be told, and would be repeated",
            )
    if not any(job.checks[index].traits().can_prove for index in apart):
        reporter.error(
            Code.PARTITIONS_UNCLEAR,
            ("partitions",),
            "expected a scope or row_count check with partition: COLUMN, found none",
            "without one, nobody can tell which partition is done",
            at_key=True,
        )


def _surfaces(job: JobModel, index: int) -> list[str]:
    """The surfaces that a check looks at."""
    check = job.checks[index]
    named = [each.name for each in job.surfaces or () if check.name in each.checks]
    only = [each.name for each in job.surfaces or ()] if len(job.surfaces or ()) == 1 else []
    return [*named, *only, *([check.surface] if check.surface else [])]
