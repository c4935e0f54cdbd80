"""What ``landed.yaml`` says of a source of type ``cron-log``."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import tzlocal
from pydantic import AfterValidator, Field, model_validator

from verifier.config.model import Limit
from verifier.config.source import SourceModel
from verifier.runs.wallclock import zone


def _zone_name(name: str) -> str:
    zone(name)
    return name


class CronLogSettings(SourceModel):
    """The log of cron: a syslog file, or the journal of systemd."""

    type: Literal["cron-log"]
    """What cron logs of the jobs it starts."""
    path: Annotated[str | None, Field(pattern=r"^/[^\x00-\x1f\x7f]{1,1000}$")] = None
    """A syslog file, such as `/var/log/syslog`. Rotated ones are found beside it."""
    journal: bool = False
    """Whether to read the journal of systemd, in place of a file."""
    timezone: Annotated[str, AfterValidator(_zone_name)] | None = None
    """The zone of traditional stamps (`Nov 24 06:03:01`). Default: that of this host."""
    poll: Limit = timedelta(seconds=5)
    """How often to look for new lines."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.path is None) is not self.journal:
            raise ValueError("expected either path or journal: true")
        return self

    @property
    def file(self) -> Path | None:
        """The syslog file, if it is one."""
        return None if self.path is None else Path(self.path)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of stamps that name none."""
        return host_zone() if self.timezone is None else zone(self.timezone)


def host_zone() -> ZoneInfo:
    """The zone of this host."""
    found = tzlocal.get_localzone()
    return found if isinstance(found, ZoneInfo) else ZoneInfo("UTC")
