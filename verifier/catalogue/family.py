"""A family: one metric as it is declared, once, for everything that is made of it."""

from enum import StrEnum

import msgspec

from verifier.catalogue.label import CHECK, JOB_NAME, Label


class Type(StrEnum):
    """The types of OpenMetrics that landed uses."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


class Unit(StrEnum):
    """The unit of a family's values, which its name ends in; none for a plain count."""

    NONE = ""
    SECONDS = "seconds"
    RATIO = "ratio"
    RUNS = "runs"
    SIGNALS = "signals"


class Scope(StrEnum):
    """Where a family comes from.

    ``ledger``: the same from every replica, and kept over restarts. ``process``: of
    one running ``serve``.
    """

    LEDGER = "ledger"
    PROCESS = "process"


class LaneRule(StrEnum):
    """Which attempts or runs a family speaks of.

    ``split``: of all, told apart by its label ``lane``. ``live``: only of what the
    schedule asked for. ``all``: of all together. ``none``: of no attempt or run.
    """

    SPLIT = "split"
    LIVE = "live"
    ALL = "all"
    NONE = "none"


class Presence(StrEnum):
    """When a combination of labels is exported.

    ``always``: from the job's registration on, as 0 where nothing happened yet; of a
    counter that is split by lane, those of a lane other than ``live`` once the job
    had anything in that lane. ``known``: while there is such a figure; never 0 in
    its place. ``held``: while it is above 0.
    """

    ALWAYS = "always"
    KNOWN = "known"
    HELD = "held"


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    ``name`` is the name in queries: that of a counter ends in ``_total``, that of an
    info in ``_info``; a histogram adds ``_bucket``, ``_sum`` and ``_count`` to it.
    ``one_of``: the label of which one value is exported at a time. ``buckets``: upper
    bounds in the family's unit, without +Inf. ``missing``: why it is not exported
    yet, "" where it is.
    """

    name: str
    type: Type
    help: str
    unit: Unit = Unit.NONE
    labels: tuple[Label, ...] = ()
    scope: Scope = Scope.LEDGER
    lanes: LaneRule = LaneRule.NONE
    presence: Presence = Presence.ALWAYS
    one_of: str = ""
    buckets: tuple[float, ...] = ()
    missing: str = ""

    @property
    def available(self) -> bool:
        """Whether it is on ``/metrics``."""
        return not self.missing

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels, in declared order."""
        return tuple(label.name for label in self.labels)

    @property
    def base(self) -> str:
        """The name without the suffix of its type, as OpenMetrics declares it."""
        if self.type is Type.COUNTER:
            return self.name.removesuffix("_total")
        return self.name.removesuffix("_info") if self.type is Type.INFO else self.name

    @property
    def sample_names(self) -> tuple[str, ...]:
        """The names that its samples have in queries."""
        if self.type is Type.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)

    @property
    def of_job(self) -> bool:
        """Whether each job has its own series."""
        return JOB_NAME in self.labels

    @property
    def of_check(self) -> bool:
        """Whether each check of a job has its own series."""
        return CHECK in self.labels

    def label(self, name: str) -> Label:
        """The label of that name; raises ``KeyError`` where the family has none."""
        for label in self.labels:
            if label.name == name:
                return label
        raise KeyError(f"expected a label of {self.name}, found {name!r}")
