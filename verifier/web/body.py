"""Reading a request: its type, its size, its time, and the model in it."""

from asyncio import timeout
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from starlette.requests import Request

from verifier.web.problems import HttpProblem, ProblemKind

MAX_SIGNALS = 8 * 1024 * 1024
"""Bytes of a batch of signals."""

MAX_QUESTION = 64 * 1024
"""Bytes of any other body."""

BODY_SECONDS = 30.0
"""Time for a whole body to arrive, however it trickles."""

JSON = "application/json"
NDJSON = "application/x-ndjson"

BODY_PROBLEMS = (
    ProblemKind.UNREADABLE,
    ProblemKind.TOO_SLOW,
    ProblemKind.TOO_LARGE,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    ProblemKind.INVALID,
)
"""What may be wrong with a body that is read as a model."""

Model = TypeVar("Model", bound=msgspec.Struct)


def media_type(request: Request, *accepted: str) -> str:
    """The type of the body, one of ``accepted``.

    A browser sends none of these to another site without asking first, and is not
    answered then; so the check is part of the access rules.
    """
    declared = request.headers.get("content-type", "")
    name, *parameters = (part.strip().lower() for part in declared.split(";"))
    charsets = [each for each in parameters if each.startswith("charset=")]
    if name not in accepted or not all(each[8:].strip('"') == "utf-8" for each in charsets):
        raise HttpProblem(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
            f"expected Content-Type: {' or '.join(accepted)}, found {declared[:80] or 'none'}",
        )
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise HttpProblem(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE,
            f"expected no Content-Encoding, found {encoding[:80]}",
        )
    return name


async def read_body(request: Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body, ``limit`` bytes at most, within ``seconds``.

    It is read before any thread is taken, so a slow client holds none.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit, f"{declared[:20]} bytes")
    body = bytearray()
    try:
        async with timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit, "more")
    except TimeoutError:
        raise HttpProblem(
            ProblemKind.TOO_SLOW,
            f"expected the whole body within {seconds:g} s, found {len(body)} bytes of it",
            {"Connection": "close"},
        ) from None
    return bytes(body)


def _too_large(limit: int, found: str) -> HttpProblem:
    return HttpProblem(
        ProblemKind.TOO_LARGE, f"expected a body of at most {limit} bytes, found {found}"
    )


async def read_model(request: Request, model: type[Model]) -> Model:
    """The JSON body as a ``model``; raises ``HttpProblem`` that says where and what."""
    media_type(request, JSON)
    body = await read_body(request, MAX_QUESTION)
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise HttpProblem(ProblemKind.INVALID, in_words(str(error), model)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpProblem(ProblemKind.UNREADABLE, f"expected a JSON object: {error}") from None


def in_words(message: str, model: type[msgspec.Struct]) -> str:
    """Msgspec's message; of a word that is none of an enum's, with those that are."""
    _, _, place = message.rpartition(" - at `$.")
    choices = enum_words(get_type_hints(model, include_extras=False).get(place.rstrip("`")))
    if not message.startswith("Invalid enum value") or not choices:
        return message
    return f"{message}; expected one of {', '.join(choices)}"


def enum_words(hint: Any) -> list[str]:
    """The words of the enum in a type such as ``Lane | None``; none where there is none."""
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and issubclass(each, StrEnum):
            return [str(word) for word in each]
    return []
