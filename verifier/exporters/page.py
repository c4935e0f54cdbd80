"""The page that a scraper reads, put together from parts that were written before.

The lines of a sample are the same in both formats; only what stands above a family
differs. So each part is written once, by prometheus-client, and again only when it
changed: of thousands of jobs few change between two scrapes.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client import exposition as plain
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from verifier.catalogue.families import FAMILIES
from verifier.catalogue.family import Family
from verifier.exporters.metric import metric
from verifier.exporters.rows import Part, Rows

_END = b"# EOF\n"

ORDER: tuple[Family, ...] = tuple(
    sorted((each for each in FAMILIES if each.available), key=lambda family: family.name)
)
"""The families of the page, in their order there."""


class Format:
    """A format of the page: its content type, and prometheus-client's way to write it."""

    def __init__(self, content_type: str, write: Callable[[Collector], bytes], end: bytes) -> None:
        self.content_type = content_type
        self.end = end
        self._write = write

    def of(self, family: Family, rows: Rows) -> bytes:
        """The family with what stands above it, without the end of the page."""
        return self._write(RowsCollector([family], rows)).removesuffix(self.end)


class RowsCollector(Collector):
    """Gives rows to prometheus-client, as the metrics of ``families``, in their order."""

    def __init__(self, families: Iterable[Family], rows: Rows) -> None:
        self._families = families
        self._rows = rows

    def collect(self) -> Iterator[Metric]:
        """Each family, with or without rows."""
        for family in self._families:
            yield metric(family, self._rows.get(family.name, ()))


TEXT = Format(CONTENT_TYPE_PLAIN_0_0_4, plain.generate_latest, b"")
OPENMETRICS = Format(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest, _END)


def choose(accept: str | None) -> Format:
    """The format that the header ``Accept`` asks for; text where it names none of ours."""
    try:
        _, content_type = plain.choose_encoder(accept or "")
    except (TypeError, ValueError):
        # It names a version that is none.
        return TEXT
    return OPENMETRICS if content_type.startswith("application/openmetrics-text") else TEXT


def write(rows: Rows) -> Part:
    """The samples of ``rows``, without what stands above each family."""
    # The lines are the same in both formats, and text is written twice as fast.
    return {
        family.name: TEXT.of(family, rows)[len(_head(TEXT, family)) :]
        for family in ORDER
        if rows.get(family.name)
    }


def join(parts: Iterable[Part]) -> Part:
    """The samples of several parts, those of each family together, in the order given."""
    lines: dict[str, list[bytes]] = {family.name: [] for family in ORDER}
    for part in parts:
        for name, written in part.items():
            lines[name].append(written)
    return {name: b"".join(found) for name, found in lines.items() if found}


def page(form: Format, *parts: Part) -> bytes:
    """The whole page; a family is there even where it has no samples yet."""
    pieces: list[bytes] = []
    for family in ORDER:
        pieces.append(_head(form, family))
        pieces += (part[family.name] for part in parts if family.name in part)
    pieces.append(form.end)
    return b"".join(pieces)


@cache
def _head(form: Format, family: Family) -> bytes:
    return form.of(family, {})
