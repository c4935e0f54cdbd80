"""What a Prometheus sees minute by minute, and which alerts must fire then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MINUTE = 60

At = Callable[[int], float | None]
"""The value in a minute, None where there is none."""

HEARTBEAT = "Heartbeat"


def steps(*changes: tuple[int, float | None]) -> At:
    """A value that changes in the given minutes, absent before the first."""

    def value(minute: int) -> float | None:
        return next((new for since, new in reversed(changes) if minute >= since), None)

    return value


def always(value: float) -> At:
    """A value that never changes."""
    return lambda _: value


def turning(minute: int) -> float | None:
    """The time of the last turn of a loop that works."""
    return minute * MINUTE


def stuck_since(minute: int) -> At:
    """The time of the last turn of a loop that works until ``minute``."""
    return lambda now: min(now, minute) * MINUTE


@dataclass(frozen=True)
class Figure:
    """A series as a replica exports it while it is up; of all replicas where none is named."""

    metric: str
    labels: Mapping[str, str]
    at: At
    replica: str | None = None


@dataclass(frozen=True)
class Replica:
    """A verifier; ``down`` are the minutes, first and last, in which no scrape succeeds."""

    name: str = "a"
    down: tuple[tuple[int, int], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def up(self, minute: int) -> bool:
        """Whether it is scraped in that minute."""
        return not any(first <= minute <= last for first, last in self.down)


LOOPS: Mapping[str, tuple[float, At]] = {"tick": (1, turning), "metrics": (5, turning)}
"""Loops with their intervals in seconds and their last turns."""


@dataclass(frozen=True)
class Case:
    """A story for promtool.

    ``fires``: for some minutes all alerts that fire, each as its name without the
    prefix, followed by its job, source or loop, and by ``@`` and the deployment where there are
    several. ``recorded``: for some minutes the sum of a recording, None where it is absent.
    """

    title: str
    figures: tuple[Figure, ...] = ()
    replicas: tuple[Replica, ...] = (Replica(),)
    loops: Mapping[str, tuple[float, At]] = field(default_factory=lambda: LOOPS)
    fires: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    recorded: Mapping[int, Mapping[str, float | None]] = field(default_factory=dict)
    minutes: int = 40
