"""One source of the file, and what binds a job to one: each read by the model of its type."""

from collections.abc import Mapping

from verifier.config.codes import Code
from verifier.config.keys import nearest
from verifier.config.reporter import Reporter
from verifier.config.shape import read_part
from verifier.config.source import (
    BindingModel,
    DeclaredSource,
    NoSuchKind,
    SchedulerModel,
    source_kind,
    source_words,
)

Sources = Mapping[str, DeclaredSource | None]
"""The sources of a file by name; None for one that is there and cannot be read."""

TYPE = "type"


def read_source(reporter: Reporter) -> DeclaredSource | None:
    """The source that ``reporter`` speaks of; None where an error of it was reported."""
    value = reporter.value
    if not isinstance(value, dict):
        message = "expected a mapping with a type, found something else"
        reporter.error(Code.WRONG_TYPE, (), message, f"types are {', '.join(source_words())}")
        return None
    word = value.get(TYPE)
    if word is None:
        message = "expected the key 'type', found none"
        types = f"types are {', '.join(source_words())}"
        reporter.error(Code.MISSING_KEY, (), message, types, at_key=True)
        return None
    try:
        kind = source_kind(str(word))
    except NoSuchKind as error:
        hint = nearest(str(word), source_words())
        reporter.error(Code.NO_SOURCE_TYPE, (TYPE,), str(error), hint)
        return None
    settings = read_part(kind.model, value, reporter)
    return None if settings is None else DeclaredSource(kind=kind, settings=settings)


def read_binding(
    scheduler: SchedulerModel, sources: Sources, reporter: Reporter
) -> BindingModel | None:
    """What the job is to its source; None where an error of that was reported."""
    if scheduler.source not in sources:
        declared = f"sources has {', '.join(sources)}" if sources else "sources declares none"
        reporter.error(
            Code.UNKNOWN_SOURCE,
            ("source",),
            f"expected a source of the file, found {scheduler.source!r}",
            nearest(scheduler.source, sources) or declared,
        )
        return None
    source = sources[scheduler.source]
    # What a source that cannot be read would want of its jobs, nobody knows.
    return None if source is None else read_part(source.kind.binding, reporter.value, reporter)
