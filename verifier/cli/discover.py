"""``landed discover``: what is scheduled already, as jobs for a person to finish."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
import typer

from verifier.checks.remark import Remark
from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.options import ConfigOption, JsonOption
from verifier.cli.output import note, show_json, show_lines, working
from verifier.cli.skeleton import named, written
from verifier.cli.where import Where
from verifier.config.config import Config
from verifier.config.source import SourceModel, source_kinds
from verifier.engine.hearing import AnySource
from verifier.signals.source import JobSkeleton, SourceUnavailable


def discover(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="crontab, airflow, celery, or a source of the configuration.",
            show_default=False,
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what is scheduled there and not declared yet, as jobs to finish; never a check."""
    where = Where(config=config)
    loaded = where.load_config() if config or where.config_path.exists() else None
    place = _place(name, loaded)
    try:
        with working("asking"):
            told = list(place.kind.discover(place.settings))
    except SourceUnavailable as error:
        raise CommandFailed(f"{name}: {error}", ExitCode.CANNOT_TELL) from None
    found = [each for each in told if isinstance(each, JobSkeleton)]
    remarks = [each for each in told if isinstance(each, Remark)]
    new = [each for each in found if not _is_declared(each, place, loaded)]
    if len(new) < len(found):
        note(f"note: {len(found) - len(new)} of {len(found)} are declared already, and left out")
    for remark in remarks:
        note(
            f"{remark.level}: {remark.message}" + (f". Hint: {remark.hint}" if remark.hint else "")
        )
    skeletons = named(new, [*loaded.jobs] if loaded else [])
    if as_json:
        notes = [each.message for each in remarks]
        show_json({"jobs": [msgspec.to_builtins(each) for each in skeletons], "notes": notes})
    elif skeletons:
        example = {"type": place.type, **place.kind.example}
        undeclared = None if place.settings else example
        text = written(skeletons, of=name, source=place.source, undeclared=undeclared)
        show_lines(text)
    elif not found:
        note(f"note: nothing is scheduled at {name}")


@dataclass(frozen=True)
class _Place:
    """Where to look: a kind of source, its word, and one that is declared, if any is."""

    kind: type[AnySource]
    type: str
    source: str
    settings: SourceModel | None


def _place(name: str, config: Config | None) -> _Place:
    kinds = {word: cast(type[AnySource], kind) for word, kind in source_kinds().items()}
    words = {kind: word for word, kind in kinds.items()}
    declared = {
        each: (cast(type[AnySource], source.kind), source.settings)
        for each, source in (config.sources if config else {}).items()
    }
    if name in declared:
        kind, settings = declared[name]
        return _Place(kind, words[kind], name, settings)
    meant = {kind.discovers: kind for kind in kinds.values()}
    if name not in meant:
        known = ", ".join(sorted({*meant, *declared}))
        raise CommandFailed(f"expected one of {known or 'no source at all'}, found {name[:40]!r}")
    kind = meant[name]
    sources = [each for each, (of, _) in declared.items() if of is kind]
    if len(sources) > 1:
        raise CommandFailed(f"expected which of the sources {', '.join(sources)}, found {name!r}")
    if sources:
        return _Place(kind, words[kind], sources[0], declared[sources[0]][1])
    return _Place(kind, words[kind], kind.scheduler, None)


def _is_declared(skeleton: JobSkeleton, place: _Place, config: Config | None) -> bool:
    binding: Any = place.kind.binding
    bound: Sequence[Any] = [
        job.binding
        for job in (config.jobs.values() if config else ())
        if job.binding is not None and job.binding.source == place.source
    ]
    new = binding.model_validate({"source": place.source, **skeleton.scheduler})
    return any(each.clashes(new) for each in bound)
