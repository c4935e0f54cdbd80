"""The rules that every family keeps, so that queries, OTLP and people can rely on names."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from verifier.catalogue.budget import HELD_AT_ONCE, MOST_SERIES, series_per_job
from verifier.catalogue.family import Family, LaneRule, Presence, Scope, Type, Unit

RESERVED_LABELS = frozenset(
    {"job", "instance", "pod", "namespace", "run", "host", "partition", "le"}
)
"""Labels that the scraper sets, that have no bound, or that the format needs."""

MOST_VALUES = 32
"""Values that a closed label may have; more is no small set."""

_NAME = re.compile(r"landed(_[a-z0-9]+)+")
_LABEL_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SUFFIXES = ("_total", "_info", "_bucket", "_sum", "_count", "_gsum", "_gcount")
_MEASURES = (Unit.SECONDS, Unit.RATIO)
_OF_TYPE = {Type.COUNTER: "_total", Type.INFO: "_info"}
_BASE_UNIT_ONLY = re.compile(
    r"_(milliseconds|ms|microseconds|minutes|hours|days|percent|pct|time|timestamp)(_total)?$"
)
_EVENTS = (Type.COUNTER, Type.HISTOGRAM)

Rule = Callable[[Family], Iterator[str]]
"""Says what is wrong with a family; each as what was expected and what was found."""


def lint(families: Sequence[Family]) -> list[str]:
    """Everything that breaks a rule, as ``name: expected …, found …``."""
    problems = [
        f"{family.name}: {problem}"
        for family in families
        for rule in RULES
        for problem in rule(family)
    ]
    return [*problems, *_unique(families), *_budget(families)]


def name_is_plain(family: Family) -> Iterator[str]:
    """Lower case words after ``landed_``."""
    if not _NAME.fullmatch(family.name):
        yield "expected lower case words after landed_, joined by single underscores"


def name_ends_by_type(family: Family) -> Iterator[str]:
    """Counters end in _total and infos in _info; nothing else ends like a sample."""
    own = _OF_TYPE.get(family.type, "")
    if own and not family.name.endswith(own):
        yield f"expected a name that ends in {own}, since it is a {family.type}"
    for suffix in _SUFFIXES:
        if family.base.endswith(suffix):
            yield f"expected no {suffix} at the end of the name of a {family.type}"


def name_ends_by_unit(family: Family) -> Iterator[str]:
    """The unit stands at the end of the name, before _total, and is a base unit."""
    if family.unit and not family.base.endswith(f"_{family.unit}"):
        yield f"expected a name that ends in its unit {family.unit}"
    for unit in _MEASURES:
        if family.base.endswith(f"_{unit}") and family.unit is not unit:
            yield f"expected the unit {unit} of its name, found {family.unit or 'none'}"
    if _BASE_UNIT_ONLY.search(family.name):
        yield "expected a base unit at the end of the name: seconds or ratio"


def info_has_no_unit(family: Family) -> Iterator[str]:
    """An info has no unit."""
    if family.type is Type.INFO and family.unit is not Unit.NONE:
        yield f"expected no unit, since it is an info; found {family.unit}"


def instants_are_seconds(family: Family) -> Iterator[str]:
    """Instants are gauges in seconds, absent where they do not exist."""
    if "_timestamp" not in family.name:
        return
    if family.type is not Type.GAUGE or family.unit is not Unit.SECONDS:
        yield "expected a gauge in seconds, since it is an instant"
    always = family.presence is not Presence.KNOWN and family.scope is Scope.LEDGER
    if always or family.presence is Presence.HELD:
        yield "expected presence known: an instant that does not exist is absent, never 0"


def help_is_a_sentence(family: Family) -> Iterator[str]:
    """One sentence on one line."""
    text = family.help
    if not re.fullmatch(r"[A-Z0-9].*\.", text, re.DOTALL):
        yield f"expected a sentence as help, found {text[:60]!r}"
    if "\n" in text or ". " in text or len(text) > 200:
        yield "expected one sentence of at most 200 characters on one line as help"


def labels_are_allowed(family: Family) -> Iterator[str]:
    """The job is ``job_name``; nothing that a scraper sets, and nothing without a bound."""
    for name, count in Counter(family.label_names).items():
        if name in RESERVED_LABELS:
            yield f"expected job_name or a bounded label, found {name}"
        elif not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            yield f"expected a label of lower case letters, found {name[:40]!r}"
        if count > 1:
            yield f"expected each label once, found {name} {count} times"


def labels_are_closed(family: Family) -> Iterator[str]:
    """Every label is an enum or a declared name, never both or neither."""
    for label in family.labels:
        if label.closed == bool(label.declared):
            yield f"expected values or where they are declared for {label.name}"
        if len(set(label.values)) != len(label.values):
            yield f"expected each value of {label.name} once"
        if len(label.values) > MOST_VALUES:
            found = len(label.values)
            yield f"expected at most {MOST_VALUES} values of {label.name}, found {found}"
        for value in label.values:
            if not _VALUE.fullmatch(value):
                yield f"expected lower case words as values of {label.name}, found {value[:40]!r}"


def check_names_its_job(family: Family) -> Iterator[str]:
    """A check has its name within a job."""
    if family.of_check and not family.of_job:
        yield "expected job_name beside check: checks of two jobs may have one name"


def lanes_are_told_apart(family: Family) -> Iterator[str]:
    """The label ``lane`` is there exactly where figures are split by it."""
    if ("lane" in family.label_names) != (family.lanes is LaneRule.SPLIT):
        yield f"expected the label lane exactly where lanes is split, found {family.lanes}"
    if "lane" in family.label_names and "live" not in family.label("lane").values:
        yield "expected live among the lanes"


def live_lane_only(family: Family) -> Iterator[str]:
    """Histograms and conditions are of the live lane."""
    speaks_of_runs = family.scope is Scope.LEDGER and family.type is Type.HISTOGRAM
    if (speaks_of_runs or "condition" in family.label_names) and family.lanes is not LaneRule.LIVE:
        yield f"expected lanes live, found {family.lanes}"


def process_has_no_jobs(family: Family) -> Iterator[str]:
    """What a process tells of itself has no job, and no lane: replicas would disagree."""
    if family.scope is Scope.PROCESS and (family.of_job or family.lanes is not LaneRule.NONE):
        yield "expected no job and no lane in a family of scope process"


def events_are_always_there(family: Family) -> Iterator[str]:
    """Counters and histograms are exported from 0 on, so that no increase is lost."""
    if family.type in _EVENTS and family.presence is not Presence.ALWAYS:
        yield f"expected presence always, since it is a {family.type}; found {family.presence}"


def buckets_are_bounds(family: Family) -> Iterator[str]:
    """A histogram, and nothing else, has bounds: finite, positive and rising."""
    if (family.type is Type.HISTOGRAM) != bool(family.buckets):
        yield f"expected buckets exactly where it is a histogram, found {len(family.buckets)}"
    if list(family.buckets) != sorted(set(family.buckets)):
        yield "expected buckets that rise"
    if any(not 0 < bound < float("inf") for bound in family.buckets):
        yield "expected finite buckets above 0; +Inf is added to them"


def one_of_is_a_label(family: Family) -> Iterator[str]:
    """``one_of`` names a closed label of a gauge."""
    if not family.one_of:
        return
    if family.one_of not in family.label_names or not family.label(family.one_of).closed:
        yield f"expected a closed label as one_of, found {family.one_of}"
    if family.type is not Type.GAUGE:
        yield f"expected a gauge, since one_of is given; found a {family.type}"


def missing_says_why(family: Family) -> Iterator[str]:
    """A family without data says why, in words."""
    if family.missing and len(family.missing.split()) < 3:
        yield f"expected why there is no data, found {family.missing!r}"


RULES: tuple[Rule, ...] = (
    name_is_plain,
    name_ends_by_type,
    name_ends_by_unit,
    info_has_no_unit,
    instants_are_seconds,
    help_is_a_sentence,
    labels_are_allowed,
    labels_are_closed,
    check_names_its_job,
    lanes_are_told_apart,
    live_lane_only,
    process_has_no_jobs,
    events_are_always_there,
    buckets_are_bounds,
    one_of_is_a_label,
    missing_says_why,
)


def _unique(families: Sequence[Family]) -> Iterator[str]:
    """No two families share a name, nor the name of a sample."""
    names = Counter(
        name for family in families for name in {family.name, family.base, *family.sample_names}
    )
    for name, count in sorted(names.items()):
        if count > 1:
            yield f"{name}: expected one family of that name, found {count}"


def _budget(families: Sequence[Family]) -> Iterator[str]:
    count, most = series_per_job(families), MOST_SERIES - HELD_AT_ONCE
    if count > most:
        yield f"expected at most {most} series a job with 4 checks at all times, found {count}"
