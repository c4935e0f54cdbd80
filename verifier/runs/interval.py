"""A business interval: the stretch of time whose work a run is to do."""

from datetime import datetime

import msgspec


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """``[start, end)``, two UTC instants; ``start`` is before ``end``."""

    start: datetime
    end: datetime
