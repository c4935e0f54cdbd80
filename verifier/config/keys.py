"""Which keys a mapping of the file may have, and which of them was meant."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    """The keys known where ``location``, as pydantic gives it, leads from ``model``."""
    models = {model}
    for step in location:
        fields = [field for each in models for key, field in fields_of(each) if key == step]
        if fields:
            models = {found for field in fields for found in models_in(field.annotation)}
        elif tagged := {each for each in models if step in _tags(each)}:
            models = tagged
    return {key for each in models for key, _ in fields_of(each)}


def nearest(word: str, known: Collection[str]) -> str | None:
    """A hint that names the one of ``known`` that ``word`` was likely meant to be."""
    found = get_close_matches(word.lower(), known, n=1)
    return f"did you mean '{found[0]}'?" if found else None


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of ``model`` as they are written, each with its field."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """All models that a value of ``annotation`` may be made of, without those inside them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from models_in(argument)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field is not None else ()
