"""What ``landed.yaml`` says of sources, and which types of source there are.

Each type is an entry point of the group ``landed.sources``, by the word that stands
as ``type``. What a source does is no business of the configuration: here are the
models of its settings and of what binds a job to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, ClassVar, Protocol, Self

from pydantic import ConfigDict, Field

from verifier.checks.model import Name
from verifier.config.model import Model

GROUP = "landed.sources"

BINDING_TEXT_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]{1,1000}$"

BindingText = Annotated[str, Field(pattern=BINDING_TEXT_PATTERN)]
"""What a scheduler calls something: a command, a DAG, a task."""


class SourceModel(Model):
    """A source as ``landed.yaml`` declares it; each type has its own subclass."""

    type: str
    """Which kind of source it is."""


class SchedulerModel(Model):
    """What binds a job to a source. Which keys there are beside `source` is for its type."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    source: Name
    """The source that tells of the job, one of `sources`."""


class BindingModel(Model):
    """What a job is to its scheduler; each type of source has its own subclass."""

    source: Name
    """The source that tells of the job, one of `sources`."""

    def clashes(self, other: Self) -> bool:
        """Whether a signal could not tell this from ``other``, of another job."""
        return self == other


class SourceKind(Protocol):
    """What the configuration needs of a type of source."""

    scheduler: ClassVar[str]
    model: ClassVar[type[SourceModel]]
    binding: ClassVar[type[BindingModel]]
    dialect: ClassVar[str]
    of_host: ClassVar[bool]


@dataclass(frozen=True, kw_only=True)
class DeclaredSource:
    """A source of a configuration: its type, and its settings."""

    kind: type[SourceKind]
    settings: SourceModel


class NoSuchKind(LookupError):
    """A type of source that is not there, or cannot be loaded; its text says why."""


def source_kind(word: str) -> type[SourceKind]:
    """The type of source that ``type: WORD`` names; raises ``NoSuchKind``."""
    for entry in _installed():
        if entry.name == word:
            return _loaded(entry)
    raise NoSuchKind(f"expected one of {', '.join(source_words())}, found {word[:40]!r}")


def source_words() -> list[str]:
    """The words that may stand as ``type`` of a source."""
    return sorted({entry.name for entry in _installed()})


def source_kinds() -> dict[str, type[SourceKind]]:
    """Every type of source that can be loaded, by its word."""
    return dict(_every())


def _every() -> Iterator[tuple[str, type[SourceKind]]]:
    for word in source_words():
        try:
            yield word, source_kind(word)
        except NoSuchKind:
            continue


def _installed() -> Iterator[EntryPoint]:
    yield from entry_points(group=GROUP)


def _loaded(entry: EntryPoint) -> type[SourceKind]:
    """The class that ``entry`` names, checked: it may come from another distribution."""
    try:
        kind: type[SourceKind] = entry.load()
    except Exception as error:
        raise NoSuchKind(
            f"expected a type of source that loads, found {entry.name}, whose {entry.value} "
            f"fails with {type(error).__name__}: {error}"
        ) from error
    wanted: dict[str, type[Model]] = {"model": SourceModel, "binding": BindingModel}
    for name, base in wanted.items():
        found = getattr(kind, name, None)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise NoSuchKind(f"expected {entry.value} to have a {base.__name__}, found none")
    return kind
