"""``landed signal``: one signal, from inside a job or from a script beside it.

The signal is on disk when the command exits; a courier of ``landed_exec`` delivers it.
"""

from __future__ import annotations

import os
import sys

from verifier.exec import landed_exec
from verifier.exec.landed_exec import UsageError, Verifier, instant, one_of, printable

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from verifier.exec.landed_exec import Parsers, Signal

USAGE = """\
usage: landed signal KIND [--job JOB] [options]

Tells the verifier one thing about an attempt. Inside `landed exec` the job, the
attempt and its due are known; elsewhere --job is needed.

KIND: created, dispatched, claimed, started, heartbeat, progress, effect, succeeded,
failed, cancelled, timed_out, lost, skipped

  --job JOB                --attempt ID              --due INSTANT
  --partition P            --lane LANE               --worker W
  --at INSTANT             when it happened (default: now)
  --id ID                  the signal's id: the same id again is the same signal
  --reason TEXT            why
  --exit-code N            the exit code of an end
  --end-proof PROOF        exit, pid_gone, rebooted, worker_gone, operator or none
  --lease-until INSTANT    until when a claim or a life sign holds
  --next-retry-at INSTANT  when the scheduler will retry
  --done N --total N --checkpoint TEXT    how far the work got
  --begun [SURFACE]        the effect has begun (on this surface, or at all)
  --not-begun [SURFACE]    it has not, and this job says so before it does
  --label KEY=VALUE        may be given several times
  --url URL --spool DIR    as for `landed exec`

Exits 0 once the signal is on disk, 2 on a usage error, 4 where it cannot be kept.
"""

KINDS = (
    *("created", "dispatched", "claimed", "started", "heartbeat", "progress", "effect"),
    *("succeeded", "failed", "cancelled", "timed_out", "lost", "skipped"),
)


def quantity(text: str) -> float:
    """An amount of work, in the job's own unit."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError("a number of 0 or more")
    return int(number) if number.is_integer() else number


def signal_id(text: str) -> str:
    """A signal's id; ``silence/`` begins those that the verifier makes."""
    if text.startswith("silence/"):
        raise ValueError("an id that does not begin with silence/")
    return landed_exec.printable(text)


def label(text: str) -> tuple[str, str]:
    """One label."""
    key, equals, value = text.partition("=")
    if not (key and equals and text.isprintable()):
        raise ValueError("KEY=VALUE")
    return key, value


def surface(text: str) -> str | None:
    """The name of a surface; none means all of them."""
    return landed_exec.printable(text) if text else None


FIELDS: Parsers = {
    "--due": instant,
    "--partition": printable,
    "--lane": landed_exec.PARSERS["--lane"],
    "--attempt": landed_exec.attempt_id,
    "--worker": printable,
    "--reason": printable,
    "--exit-code": landed_exec.exit_code,
    "--lease-until": instant,
    "--next-retry-at": instant,
    "--end-proof": one_of("exit", "pid_gone", "rebooted", "worker_gone", "operator", "none"),
}
PROGRESS: Parsers = {"--done": quantity, "--total": quantity, "--checkpoint": printable}
OTHERS: Parsers = {
    "--job": landed_exec.job_name,
    "--at": instant,
    "--id": signal_id,
    "--begun": surface,
    "--not-begun": surface,
    "--url": str,
    "--spool": printable,
}


def read_signal(argv: Sequence[str]) -> tuple[Signal, Verifier]:
    """The signal that a command line tells, and where it goes. Raises ``UsageError``."""
    kind, *words = argv
    if kind not in KINDS:
        raise UsageError(f"KIND: expected {', '.join(KINDS)}, found {kind!r:.60}")
    labels: dict[str, str] = {}
    collect: Parsers = {"--label": lambda text: labels.update([label(text)])}
    values, rest = landed_exec.read_options(
        _with_optional_values(words), {**FIELDS, **PROGRESS, **OTHERS, **collect}
    )
    if rest:
        raise UsageError(f"unexpected {rest[0]!r:.60}")
    signal: Signal = {
        "job": values.get("--job"),
        "kind": kind,
        "at": values.get("--at") or landed_exec.now_text(),
        "id": values.get("--id") or landed_exec.new_id(),
    }
    signal.update(_named(values, FIELDS))
    _add_surroundings(signal)
    if found := _named(values, PROGRESS):
        signal["progress"] = found
    elif kind == "progress":
        raise UsageError("progress needs --done, --total or --checkpoint")
    if "--begun" in values and "--not-begun" in values:
        raise UsageError("--begun and --not-begun contradict each other")
    for option in ("--begun", "--not-begun"):
        if option in values:
            on = {"surface": values[option]} if values[option] else {}
            signal["effect"] = {"begun": option == "--begun", **on}
    if kind == "effect" and "effect" not in signal:
        raise UsageError("effect needs --begun or --not-begun")
    if labels:
        signal["labels"] = labels
    return signal, Verifier(values.get("--url"), values.get("--spool"))


def _with_optional_values(words: Sequence[str]) -> list[str]:
    """``--begun mail`` and ``--begun`` alone, both written as ``--begun=…``."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in ("--begun=", "--not-begun=") and not word.startswith("-"):
            joined[-1] += word
        else:
            joined.append(f"{word}=" if word in ("--begun", "--not-begun") else word)
    return joined


def _named(values: dict[str, Any], options: Parsers) -> dict[str, Any]:
    return {name[2:].replace("-", "_"): values[name] for name in options if name in values}


def _add_surroundings(signal: Signal) -> None:
    """Fills in what ``landed exec`` put into the environment, where it speaks of this attempt."""
    outer = {
        name: value
        for name in ("job", "attempt", "due", "partition")
        if (value := os.environ.get(f"LANDED_{name.upper()}"))
    }
    if signal["job"] is None:
        signal["job"] = outer.get("job")
    if signal["job"] is None:
        raise UsageError("--job is missing, and LANDED_JOB is not set")
    same_attempt = signal.get("attempt", outer.get("attempt")) == outer.get("attempt")
    if signal["job"] == outer.get("job") and same_attempt:
        for name, value in outer.items():
            signal.setdefault(name, value)


def main(argv: list[str] | None = None) -> int:
    """Spools the signal of ``argv`` (default: this process's own) and has it delivered."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help") or "--help" in words[1:]:
        landed_exec.try_write(1 if words else 2, USAGE.encode())
        return 0 if words else 2
    try:
        signal, verifier = read_signal(words)
    except UsageError as error:
        landed_exec.say(f"{error} (see landed signal --help)", "landed signal")
        return 2
    landed_exec.tell_unknown(verifier.spool, signal["job"], "landed signal")
    try:
        landed_exec.spool_signal(verifier.spool, verifier.url, signal)
    except OSError as error:
        landed_exec.say(f"cannot spool to {verifier.spool}: {error.strerror}", "landed signal")
        landed_exec.hand_over(verifier, [signal])
        return 4
    landed_exec.hand_over(verifier)
    return 0


if __name__ == "__main__":
    sys.exit(main())
