"""Whether a job says enough of what it promises, and no two things that contradict."""

from verifier.config.codes import Code
from verifier.config.compile import auto_retry
from verifier.config.job import JobModel
from verifier.config.reporter import Reporter
from verifier.runs.declaration import AutoRetry, JobClass, Overlap, SurfaceKind


def check_policy(job: JobModel, reporter: Reporter) -> None:
    """Report what a job leaves out that it must say, and what it says twice."""
    if not job.best_effort:
        _require(
            job.statement is not None,
            "a statement of what a verified run means",
            'add statement: "Every … exactly once."',
            reporter,
        )
        _require(
            job.job_class is not None or job.overlap is not None,
            "class or overlap, which say how attempts may meet",
            f"class is one of {', '.join(JobClass)}; overlap one of {', '.join(Overlap)}",
            reporter,
        )
        _require(
            job.effects is not None or job.surfaces is not None,
            "effects or surfaces, which say how a run takes effect",
            f"effects is one of {', '.join(SurfaceKind)}",
            reporter,
        )
    if job.effects is not None and job.surfaces is not None:
        reporter.error(
            Code.EFFECTS_TWICE,
            ("effects",),
            "expected either effects or surfaces, found both",
            "keep surfaces, and remove effects",
            at_key=True,
        )
    _check_retry(job, reporter)


def _require(present: bool, what: str, hint: str, reporter: Reporter) -> None:
    if not present:
        hint = f"{hint}; a job that promises nothing is class: best-effort"
        reporter.error(Code.NEEDS_POLICY, (), f"expected {what}, found none", hint, at_key=True)


def _check_retry(job: JobModel, reporter: Reporter) -> None:
    auto = auto_retry(job)
    if auto is AutoRetry.NEVER and job.retry.max_attempts > 1:
        reporter.warning(
            Code.RETRY_CONTRADICTS,
            ("retry", "max_attempts"),
            f"expected 1, since nothing is retried by itself, found {job.retry.max_attempts}",
            "write auto: before_effects or auto: always if the scheduler does retry",
        )
    kinds = job.kinds()
    if auto is AutoRetry.ALWAYS and any(kind.repeats_harm for kind in kinds):
        worst = max(kinds, key=lambda kind: kind.gravity)
        reporter.warning(
            Code.RETRY_CONTRADICTS,
            ("retry", "auto"),
            f"expected before_effects or never where effects are {worst}, found always",
            "a retry by itself may take effect a second time",
            at_key=True,
        )
