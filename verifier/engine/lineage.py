"""OpenLineage events that are sent to us: which jobs they are about, and what they tell."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from verifier.config.config import Config
from verifier.engine.hearing import bound_jobs
from verifier.intake.door import SortedOut
from verifier.intake.receipt import Refused, Rejection
from verifier.runs.declaration import History
from verifier.runs.signal import Signal
from verifier.signals.airflow.jobs import Jobs
from verifier.signals.airflow.settings import AirflowModel
from verifier.signals.openlineage.reading import Listed, signals_in

Events = Sequence[bytes | msgspec.Raw]

_encode = msgspec.json.Encoder().encode


class Lineage:
    """The jobs of every Airflow that is declared, kept until what is declared changes."""

    def __init__(self) -> None:
        self._of: tuple[Config, Mapping[str, History]] | None = None
        self._listed: Sequence[Listed] = ()

    def read(
        self,
        items: Events,
        config: Config,
        histories: Mapping[str, History],
        sort_out: Callable[[Events], SortedOut],
    ) -> SortedOut:
        """The signals in ``items``, checked by ``sort_out``, the door of all signals.

        What is refused has the index of its event.
        """
        listed = self._listed_by(config, histories)
        told: list[Signal] = []
        of_event: list[int] = []
        rejected: list[Rejection] = []
        for index, item in enumerate(items):
            try:
                signals = signals_in(item, listed)
            except Refused as refusal:
                rejected.append(refusal.rejection(index))
            else:
                told += signals
                of_event += [index] * len(signals)
        read = sort_out([_encode(signal) for signal in told])
        rejected += [
            msgspec.structs.replace(each, index=of_event[each.index]) for each in read.rejected
        ]
        return SortedOut(read.signals, tuple(rejected), read.received_at, read.strangers)

    def _listed_by(self, config: Config, histories: Mapping[str, History]) -> Sequence[Listed]:
        """The jobs that events may be about."""
        known = self._of
        if known is None or known[0] is not config or known[1] is not histories:
            jobs = bound_jobs(config, histories)
            self._listed = [
                Listed(Jobs(jobs.get(name, ())), declared.settings.namespace)
                for name, declared in config.sources.items()
                if isinstance(declared.settings, AirflowModel)
            ]
            self._of = (config, histories)
        return self._listed
