"""What ``/metrics`` tells of the ledger beside its jobs: stores and sources."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from verifier.catalogue.histograms import CHECK_DURATION
from verifier.catalogue.sources import BLIND_SECONDS, CLOCK_OFFSET, CONTACT_DUE, LAST_SIGNAL
from verifier.exporters.job import distribution_of
from verifier.exporters.rows import Row, Rows, instants
from verifier.ledger.documents import stores_asked
from verifier.ledger.snapshot import Snapshot
from verifier.ledger.tallies import Tally


def shared_rows(snapshot: Snapshot, contact_within: timedelta) -> Rows:
    """The rows that belong to no job.

    ``contact_within``: how long we may not have listened before the silence of those who
    report by themselves proves nothing.
    """
    found = _by_family(snapshot.tallies)
    return {
        CHECK_DURATION.name: [
            Row((store,), distribution_of(CHECK_DURATION, found, store=store))
            for store in sorted(_stores(snapshot, found))
        ],
        CONTACT_DUE.name: instants(
            ((source,), at) for source, at in sorted(_contact_due(snapshot, contact_within).items())
        ),
        CLOCK_OFFSET.name: [
            Row((source,), state.ahead.total_seconds())
            for source, state in sorted(snapshot.sources.items())
            if state.ahead is not None
        ],
        LAST_SIGNAL.name: instants(
            ((source,), at) for source, at in sorted(snapshot.heard.items())
        ),
        BLIND_SECONDS.name: [
            Row((source,), seconds) for source, seconds in sorted(_blind(snapshot, found).items())
        ],
    }


def _contact_due(snapshot: Snapshot, within: timedelta) -> dict[str, datetime | None]:
    """When each source is to be heard again; those that are sent to us, within the same time."""
    found: dict[str, datetime | None] = {
        source: at + within for source, at in snapshot.listened.items()
    }
    return found | {source: state.contact_due for source, state in snapshot.sources.items()}


def _stores(snapshot: Snapshot, found: Mapping[str, Iterable[Tally]]) -> set[str]:
    """The stores that declared jobs ask, and those that were asked before."""
    asked = {each.labels["store"] for each in found.get(f"{CHECK_DURATION.name}_sum", ())}
    for reading in snapshot.jobs.values():
        asked |= set(stores_asked(reading.document).values())
    return asked


def _blind(snapshot: Snapshot, found: Mapping[str, Iterable[Tally]]) -> dict[str, float]:
    """Blind seconds by source, 0 for one that was always heard."""
    seconds = dict.fromkeys([*snapshot.listened, *snapshot.sources], 0.0)
    for each in found.get(BLIND_SECONDS.name, ()):
        seconds[each.labels["source"]] = each.value
    return seconds


def _by_family(tallies: Iterable[Tally]) -> dict[str, list[Tally]]:
    found: dict[str, list[Tally]] = {}
    for each in tallies:
        found.setdefault(each.family, []).append(each)
    return found
