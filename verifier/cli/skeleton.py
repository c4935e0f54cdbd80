"""Jobs that a scheduler has, as a piece of ``landed.yaml`` for a person to finish."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from verifier.cli.text import plain
from verifier.signals.source import JobSkeleton

LONGEST_NAME = 100
LONGEST_COMMENT = 200

_HEAD = """\
# What {of} has, for landed.yaml. It holds as it is: each job is best effort, which
# promises nothing. To have one verified, say what a run of it means and how it takes
# effect, and declare checks that look at its result:
#
#   statement: Every active region has yesterday's revenue exactly once.
#   class: one-result
#   effects: replace
#   checks: [...]
"""
_UNDECLARED = """\
#
# The source is not declared yet:
#
#   sources: {{{source}: {{{keys}}}}}
"""
_NO_SCHEDULE = "When it is due is not known. Add its schedule, and take away the number signs:"


def named(skeletons: Sequence[JobSkeleton], taken: Sequence[str]) -> list[JobSkeleton]:
    """The same, each with a name that a job may have and that no other has."""
    used = set(taken)
    found = []
    for each in skeletons:
        base = re.sub(r"[^A-Za-z0-9._]+", "-", each.name).strip("-._")[: LONGEST_NAME - 5] or "job"
        name, number = base, 2
        while name in used:
            name, number = f"{base}-{number}", number + 1
        used.add(name)
        found.append(msgspec.structs.replace(each, name=name))
    return found


def written(
    skeletons: Sequence[JobSkeleton], *, of: str, source: str, undeclared: Mapping[str, str] | None
) -> str:
    """The piece of YAML; ``undeclared``: what to declare of a source that is not."""
    text = _HEAD.format(of=of)
    if undeclared is not None:
        keys = ", ".join(f"{key}: {value}" for key, value in undeclared.items())
        text += _UNDECLARED.format(source=source, keys=keys)
    lines = ["", "jobs:"] if any(each.schedule for each in skeletons) else ["", "# jobs:"]
    for skeleton in skeletons:
        lines += _job(skeleton, source)
    return text + "\n".join(lines)


def _job(skeleton: JobSkeleton, source: str) -> Iterator[str]:
    comments = [plain(each)[:LONGEST_COMMENT] for each in skeleton.comments]
    if skeleton.schedule is None:
        comments.append(_NO_SCHEDULE)
    lines = [f"  {skeleton.name}:"]
    if skeleton.schedule is not None:
        lines.append(f"    schedule: {flow(skeleton.schedule)}")
    lines.append(f"    scheduler: {flow({'source': source, **skeleton.scheduler})}")
    lines += [f"    {key}: {flow(value)}" for key, value in skeleton.further.items()]
    if "class" not in skeleton.further:
        lines.append("    class: best-effort")
    yield ""
    yield from (f"  # {each}" for each in comments)
    yield from lines if skeleton.schedule is not None else (f"# {each}" for each in lines)


def flow(value: Any) -> str:
    """``value`` in YAML on one line; a text that would be a reference stands for itself."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str):
        return json.dumps(value.replace("${", "$${"), ensure_ascii=False)
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value)
