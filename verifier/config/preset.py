"""Classes of jobs: presets of overlap, retry and effects, which a job's own fields override."""

from typing import NamedTuple

from verifier.runs.declaration import AutoRetry, JobClass, Overlap, SurfaceKind


class Preset(NamedTuple):
    """What a class stands for; ``effects`` is None where a job has to say them itself."""

    overlap: Overlap
    auto_retry: AutoRetry
    effects: SurfaceKind | None
    why: str


PRESETS = {
    JobClass.BEST_EFFORT: Preset(
        Overlap.ALLOW,
        AutoRetry.ALWAYS,
        SurfaceKind.NONE,
        "Nice to have: a cache warmed, a probe sent. Promises nothing, so nothing is asked.",
    ),
    JobClass.ONE_RESULT: Preset(
        Overlap.FORBID,
        AutoRetry.BEFORE_EFFECTS,
        None,
        "Each run makes one result: a report, a load, a bill.",
    ),
    JobClass.COALESCING: Preset(
        Overlap.COALESCE,
        AutoRetry.BEFORE_EFFECTS,
        None,
        "The newest run covers what the ones before it missed: a sync, a refresh.",
    ),
    JobClass.SERIALIZED: Preset(
        Overlap.SERIALIZE,
        AutoRetry.BEFORE_EFFECTS,
        None,
        "Runs may meet, but never two for one partition: a pipeline by tenant.",
    ),
    JobClass.NO_AUTO_RETRY: Preset(
        Overlap.FORBID,
        AutoRetry.NEVER,
        None,
        "A person decides about every second attempt: a payment, a letter.",
    ),
}
