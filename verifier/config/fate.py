"""The ways a run can go, played through the real rules for one declaration.

Each is made of signals and of what the job's checks would answer, then folded and
judged as any run is. So the card of a job cannot promise what the verifier won't do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from verifier.config.compile import trial_slots
from verifier.config.scene import Scene, answer
from verifier.runs.advice import AdviceAction
from verifier.runs.advice_words import advise
from verifier.runs.attempt import Attempt, fold
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Declaration
from verifier.runs.evaluation import Cause, Evaluation
from verifier.runs.instant import format_instant
from verifier.runs.lifecycle import infer_loss
from verifier.runs.signal import EndProof, Kind, Progress, Signal
from verifier.runs.slots import interval_after
from verifier.runs.standing import Facts, Standing, standing
from verifier.runs.verdict import RunState, Verdict

_SECOND = timedelta(seconds=1)
_ATTEMPT = "1"


@dataclass(frozen=True, kw_only=True)
class Fate:
    """One way a run can go: what happens, what will be said of it, and what is safe then.

    ``verdict`` is None while there can be none, and ``state`` says why. ``unnoticed``:
    something is wrong, and the checks of the job would not see it.
    """

    happens: str
    state: RunState
    verdict: Verdict | None
    false_success: bool
    unnoticed: bool
    action: AdviceAction
    do_not: tuple[str, ...]


def fates(declaration: Declaration) -> tuple[Fate, ...]:
    """Every way that matters for the job, from never started to falsely succeeded."""
    return tuple(_Play(declaration).all())


class _Play:
    """One specimen run of a job: due at the first slot that is tried."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.due = trial_slots(declaration.schedule)[0][0]
        self.end = self.due + declaration.finish_within / 2
        self.key = RunKey(declaration.job, format_instant(self.due))

    def all(self) -> Iterator[Fate]:
        declaration = self.declaration
        failed, succeeded = self._ended(Kind.FAILED), self._ended(Kind.SUCCEEDED)
        yield self._judged("it never starts", None, Scene.NOTHING)
        yield self._unheard()
        if not declaration.checks:
            yield self._judged("it dies", failed, Scene.DARK)
            yield self._judged("it says that it succeeded", succeeded, Scene.DARK)
            yield self._silent()
            return
        yield self._judged("it dies before it writes", failed, Scene.NOTHING)
        yield self._judged("it dies half way", failed, Scene.HALF)
        if declaration.resumable:
            told = self._ended(Kind.FAILED, checkpoint="half")
            yield self._judged("it dies half way, after it told a checkpoint", told, Scene.HALF)
        if len(declaration.surfaces) > 1:
            first, *others = (surface.name for surface in declaration.surfaces)
            happens = f"it dies after {first} and before {', '.join(others)}"
            yield self._judged(happens, failed, {first: Scene.ALL})
        if declaration.retry.max_attempts > 1:
            retried = self._ended(Kind.FAILED, retry=True)
            happens = "it dies half way, and the scheduler is about to retry"
            yield self._judged(happens, retried, Scene.HALF)
        yield self._judged("it dies after it wrote everything", failed, Scene.ALL)
        yield self._judged("it dies, and the destination cannot be asked", failed, Scene.DARK)
        yield self._silent()
        if declaration.progress_within is not None:
            yield self._stalled()
        yield self._judged("it says that it succeeded, and did", succeeded, Scene.ALL)
        yield self._judged("it says so, and half is there", succeeded, Scene.HALF)
        yield self._judged("it says so, and wrote the wrong things", succeeded, Scene.STRANGE)
        yield self._judged("it says so, and wrote everything twice", succeeded, Scene.TWICE)
        yield self._judged("it says so, and the destination cannot be asked", succeeded, Scene.DARK)

    def _judged(
        self,
        happens: str,
        attempt: Attempt | None,
        scenes: Scene | Mapping[str, Scene],
        heard_again: datetime | None = None,
    ) -> Fate:
        """After the end, the wait, and the second look that a complaint needs."""
        settle = self.declaration.settle
        nobody = heard_again or self.due + self.declaration.start_within
        quiet = self.end if attempt else nobody
        first = quiet + settle + _SECOND
        second = first + settle + _SECOND
        evaluations = [self._look(at, scenes) for at in (first, second)]
        harm = scenes in (Scene.HALF, Scene.TWICE, Scene.STRANGE)
        now = second + _SECOND
        return self._fate(happens, attempt, evaluations, now, harm=harm, heard_again=heard_again)

    def _unheard(self) -> Fate:
        """It was due while nobody listened, and what it said then never comes."""
        checked = self.declaration.checks
        happens = "nobody could hear it" + (", and nothing is there" if checked else "")
        done = self.due + max(self.declaration.start_within, self.declaration.finish_within)
        return self._judged(happens, None, Scene.NOTHING, heard_again=done)

    def _silent(self) -> Fate:
        """Nothing more is heard: lost or timed out by silence, and perhaps still at work."""
        said = self._begun()
        late = self.due + self.declaration.lease + self.declaration.finish_within
        loss = infer_loss(self._attempt(*said), self.declaration, self.due, late)
        said += [loss] if loss else []
        return self._fate("it falls silent", self._attempt(*said), [], said[-1].at + _SECOND)

    def _stalled(self) -> Fate:
        """Heartbeats go on, progress does not."""
        now = self.due + (self.declaration.progress_within or timedelta()) + _SECOND
        attempt = self._attempt(*self._begun(), self._signal(Kind.HEARTBEAT, now, "last"))
        return self._fate("it breathes and does not move", attempt, [], now)

    def _fate(
        self,
        happens: str,
        attempt: Attempt | None,
        evaluations: list[Evaluation],
        now: datetime,
        *,
        harm: bool = False,
        heard_again: datetime | None = None,
    ) -> Fate:
        facts = Facts(
            key=self.key,
            declaration=self.declaration,
            expected=True,
            interval=interval_after(self.declaration.schedule, self.due),
            attempts=[attempt] if attempt else [],
            evaluations=evaluations if self.declaration.checks else [],
            deaf=heard_again is not None,
            heard_again=heard_again,
        )
        stood: Standing = standing(facts, now)
        return Fate(
            happens=happens,
            state=stood.state,
            verdict=stood.verdict,
            false_success=stood.false_success,
            unnoticed=harm and stood.verdict is Verdict.VERIFIED,
            action=stood.action,
            do_not=advise(facts, stood, now).do_not,
        )

    def _ended(self, kind: Kind, *, checkpoint: str | None = None, retry: bool = False) -> Attempt:
        soon = self.end + 3 * self.declaration.settle + timedelta(hours=1) if retry else None
        end = Signal(
            job=self.declaration.job,
            kind=kind,
            at=self.end,
            id="end",
            attempt=_ATTEMPT,
            exit_code=0 if kind is Kind.SUCCEEDED else 137,
            end_proof=EndProof.EXIT,
            next_retry_at=soon,
            progress=Progress(checkpoint=checkpoint) if checkpoint else None,
        )
        return self._attempt(*self._begun(), end)

    def _attempt(self, *signals: Signal) -> Attempt:
        blank = Attempt(job=self.declaration.job, attempt=_ATTEMPT)
        return fold(blank, signals) or blank

    def _begun(self) -> list[Signal]:
        return [
            self._signal(Kind.STARTED, self.due, "start"),
            self._signal(Kind.HEARTBEAT, self.due, "beat"),
        ]

    def _signal(self, kind: Kind, at: datetime, name: str) -> Signal:
        return Signal(job=self.declaration.job, kind=kind, at=at, id=name, attempt=_ATTEMPT)

    def _look(self, at: datetime, scenes: Scene | Mapping[str, Scene]) -> Evaluation:
        return Evaluation(
            evaluation_id=format_instant(at),
            run_id=self.key.run_id,
            cause=Cause.END,
            started_at=at,
            finished_at=at,
            results=tuple(
                answer(check, self._seen_by(check.name, scenes), at)
                for check in self.declaration.checks
            ),
        )

    def _seen_by(self, check: str, scenes: Scene | Mapping[str, Scene]) -> Scene:
        if isinstance(scenes, Scene):
            return scenes
        surfaces = [each.name for each in self.declaration.surfaces if check in each.checks]
        return next((scenes[name] for name in surfaces if name in scenes), Scene.NOTHING)
