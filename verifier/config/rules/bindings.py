"""Whether each job can be told from the others by what its source says."""

from collections import defaultdict
from collections.abc import Mapping

from verifier.config.codes import Code
from verifier.config.config import Job
from verifier.config.read_source import Sources
from verifier.config.reporter import Reporter
from verifier.config.source import BindingModel


def check_bindings(sources: Sources, jobs: Mapping[str, Job | None], reporter: Reporter) -> None:
    """Report jobs that are bound to the same, and sources that no job is bound to."""
    bound: dict[str, list[tuple[str, BindingModel]]] = defaultdict(list)
    for name, job in jobs.items():
        binding = job.binding if job is not None else None
        if binding is None:
            continue
        for other, held in bound[binding.source]:
            if held.clashes(binding):
                reporter.error(
                    Code.BOUND_TWICE,
                    ("jobs", name, "scheduler"),
                    f"expected what no other job is bound to, found the same as jobs.{other}",
                    "name what sets them apart, or make one job of them",
                    at_key=True,
                )
                break
        bound[binding.source].append((name, binding))
    whole = all(job is not None for job in jobs.values())
    for name, source in sources.items():
        if whole and source is not None and name not in bound:
            reporter.warning(
                Code.UNUSED_SOURCE,
                ("sources", name),
                "expected a job that is bound to it, found none",
                f"write scheduler: {{source: {name}, …}} at the jobs that it tells of",
                at_key=True,
            )
