"""Whether each check looks at one surface, and each surface is looked at."""

from collections.abc import Iterable

from verifier.config.codes import Code
from verifier.config.compile import compile_surfaces
from verifier.config.job import JobModel
from verifier.config.keys import nearest
from verifier.config.problem import Path
from verifier.config.reporter import Reporter
from verifier.runs.declaration import SurfaceKind


def check_surfaces(job: JobModel, reporter: Reporter) -> None:
    """Report names that stand twice or for nothing, and what is not looked at."""
    _once("check", [check.name for check in job.checks], "checks", reporter)
    if job.surfaces is None:
        for index, check in enumerate(job.checks):
            if check.surface is not None:
                _unclear(
                    ("checks", index, "surface"),
                    "expected no surface, since the job has none but its effects, found one",
                    "declare surfaces in place of effects, or leave it out",
                    reporter,
                )
        return
    _once("surface", [surface.name for surface in job.surfaces], "surfaces", reporter)
    _check_lists(job, reporter)
    _check_belonging(job, reporter)
    _check_watched(job, reporter)


def _once(what: str, names: Iterable[str], key: str, reporter: Reporter) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            reporter.error(
                Code.SAME_NAME,
                (key, index, "name"),
                f"expected a name that no other {what} of the job has, found '{name}' again",
            )
        seen.add(name)


def _check_lists(job: JobModel, reporter: Reporter) -> None:
    """Each name in the list of a surface is that of a check."""
    known = [check.name for check in job.checks]
    for index, surface in enumerate(job.surfaces or ()):
        for position, name in enumerate(surface.checks):
            if name not in known:
                reporter.error(
                    Code.UNKNOWN_CHECK,
                    ("surfaces", index, "checks", position),
                    f"expected the name of a check of this job, found '{name}'",
                    nearest(name, known) or _list_of("checks", known),
                )


def _check_belonging(job: JobModel, reporter: Reporter) -> None:
    """Each check whose answer speaks of the effect belongs to one surface."""
    surfaces = job.surfaces or ()
    names = [surface.name for surface in surfaces]
    for index, check in enumerate(job.checks):
        if check.surface is not None and check.surface not in names:
            _unclear(
                ("checks", index, "surface"),
                f"expected the name of a surface of this job, found '{check.surface}'",
                nearest(check.surface, names) or _list_of("surfaces", names),
                reporter,
            )
            continue
        claims = {surface.name for surface in surfaces if check.name in surface.checks}
        claims |= {check.surface} if check.surface is not None else set()
        if len(claims) > 1:
            _unclear(
                ("checks", index, "name"),
                f"expected '{check.name}' to belong to one surface, found it in "
                f"{', '.join(sorted(claims))}",
                "one check cannot prove two surfaces: declare one for each",
                reporter,
            )
        traits = check.traits()
        if (traits.says_effect or traits.proves_complete) and not claims and len(surfaces) > 1:
            _unclear(
                ("checks", index, "name"),
                f"expected '{check.name}' to belong to a surface, found it in none",
                f"add surface: with one of {', '.join(names)}",
                reporter,
            )


def _check_watched(job: JobModel, reporter: Reporter) -> None:
    """Each surface that takes effect has a check that can prove it."""
    able = {
        check.name
        for check in (each.traits() for each in job.checks)
        if check.required and check.can_prove and not check.only_warns
    }
    for index, surface in enumerate(compile_surfaces(job)):
        if surface.kind is not SurfaceKind.NONE and not able & set(surface.checks):
            reporter.warning(
                Code.UNWATCHED_SURFACE,
                ("surfaces", index, "name"),
                f"expected a required check that can prove the surface '{surface.name}' "
                "complete, found none",
                "without one no run of the job is ever verified",
            )


def _unclear(path: Path, message: str, hint: str, reporter: Reporter) -> None:
    reporter.error(Code.SURFACE_UNCLEAR, path, message, hint)


def _list_of(what: str, names: list[str]) -> str:
    return f"its {what} are {', '.join(names)}" if names else f"the job has no {what}"
