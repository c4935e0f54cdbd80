"""``python``: a function of your own, in a process of its own."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from signal import SIGKILL
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, Field

from verifier.checks.answer import Answer
from verifier.checks.entry_points import GROUP, entry_point, known
from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel, Duration
from verifier.checks.python_child import Call
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.stores.watch import Watch
from verifier.runs.evaluation import Effect, Result

_LARGEST_ANSWER_BYTES = 256 * 1024


def _offered(name: str) -> str:
    try:
        entry_point(name)
    except KeyError:
        names = ", ".join(known()) or "none"
        raise ValueError(
            f"expected a function that a package offers as {GROUP}, found {name[:60]!r}; "
            f"offered are: {names}"
        ) from None
    return name


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the function returns, as a mapping or as this."""

    result: Result
    detail: str = ""
    effect: Effect | None = None
    expected: int | None = None
    done: int | None = None
    missing: int = 0
    surplus: int = 0
    unexpected: int = 0
    measured: Decimal | None = None
    evidence: dict[str, Any] = {}


class _Outcome(msgspec.Struct, frozen=True):
    said: Said | None = None
    raised: str | None = None


Argument = str | int | float | bool


class PythonCheck(CheckModel):
    """Calls a function that a package offers, with the run, and takes its answer.

    It runs in a process that ends with it or after `timeout`. What the function does is
    its own affair: that it writes nothing is up to you.
    """

    type: Literal["python"]
    call: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
        AfterValidator(_offered),
        Field(description=f"The name of an entry point of the group `{GROUP}`."),
    ]
    args: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")], Argument],
        Field(description="Passed to the function by name, after the run."),
    ] = Field(default_factory=dict)
    timeout: Annotated[Duration, Field(description="The longest that it may take.")] = timedelta(
        seconds=30
    )
    says: Annotated[
        Literal["quality", "effect"],
        Field(description="Whether its answers speak of the effect, or of quality alone."),
    ] = "quality"

    @property
    def speaks_of_effect(self) -> bool:
        """As declared."""
        return self.says == "effect"

    def answer(self, inquiry: Inquiry) -> Answer:
        """Runs the function, and reads what it says."""
        inquiry.evidence.update(call=self.call, args=dict(self.args))
        outcome = self._outcome(inquiry)
        if outcome.raised is not None or outcome.said is None:
            raise CannotTell(UnknownReason.RAISED, f"the function raised {outcome.raised}")
        said = outcome.said
        inquiry.evidence.update(said.evidence)
        if said.effect is not None and not self.speaks_of_effect:
            raise CannotTell(UnknownReason.WRONG_SHAPE, "it spoke of the effect: say says: effect")
        if said.result is Result.UNKNOWN:
            raise CannotTell(UnknownReason.SAID_SO, said.detail)
        if min(said.missing, said.surplus, said.unexpected) < 0:
            raise CannotTell(UnknownReason.WRONG_SHAPE, "it counted below zero")
        return Answer(
            result=said.result,
            effect=said.effect,
            expected=said.expected,
            done=said.done,
            missing=said.missing,
            surplus=said.surplus,
            unexpected=said.unexpected,
            measured=said.measured,
        )

    def _outcome(self, inquiry: Inquiry) -> _Outcome:
        call = Call(self.call, inquiry.question, self.args)
        written = self._run(msgspec.json.encode(call), Watch(self.timeout, inquiry.stop))
        try:
            return msgspec.json.decode(written, type=_Outcome)
        except msgspec.MsgspecError as error:
            # A mapping that is none of ours; its text names fields and types, never values.
            raise CannotTell(UnknownReason.WRONG_SHAPE, str(error)) from None

    def _run(self, asked: bytes, watch: Watch) -> bytes:
        """What the process writes; raises ``CannotTell`` where it dies, or takes too long."""
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as answer:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own module, and a number
                    [sys.executable, "-m", Call.__module__, str(writing)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(writing,),
                    start_new_session=True,
                )
            finally:
                os.close(writing)

            def kill() -> None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, SIGKILL)

            with watch.running(kill, kill), process:
                with suppress(BrokenPipeError):
                    process.stdin.write(asked)  # type: ignore[union-attr] # it is a pipe
                    process.stdin.close()  # type: ignore[union-attr] # it is a pipe
                written = answer.read(_LARGEST_ANSWER_BYTES + 1)
                kill()
                over = watch.over()
        if over is not None:
            raise CannotTell(over, "the function took too long")
        if len(written) > _LARGEST_ANSWER_BYTES:
            raise CannotTell(UnknownReason.TOO_LARGE, f"more than {_LARGEST_ANSWER_BYTES} bytes")
        if not written:
            raise CannotTell(UnknownReason.RAISED, "the process of the function died")
        return written
