"""Airflow as a source of ``landed.yaml``: polled, with OpenLineage as the faster word."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from verifier.checks.remark import Remark
from verifier.signals.airflow.settings import AirflowBinding, AirflowModel
from verifier.signals.source import (
    BoundJob,
    Feed,
    JobSkeleton,
    PolledSource,
    SourceUnavailable,
)

if TYPE_CHECKING:
    from verifier.signals.airflow.client import AirflowClient
    from verifier.signals.airflow.polling import Poll


class AirflowSource(PolledSource[AirflowModel, AirflowBinding]):
    """One Airflow 3, heard through its REST API.

    What asks over HTTP is imported when it first asks, so that reading a configuration
    stays quick.
    """

    scheduler = "airflow"
    discovers = "airflow"
    model = AirflowModel
    binding = AirflowBinding

    def __init__(self, settings: AirflowModel) -> None:
        super().__init__(settings)
        self._client: AirflowClient | None = None
        self._poll: Poll | None = None

    @property
    def every(self) -> timedelta:
        """The time between two polls."""
        return self.settings.poll

    def poll(self, feed: Feed[AirflowBinding], now: datetime) -> None:
        """Ask once what is new; raises ``SourceUnavailable``."""
        if self._poll is None:
            from verifier.signals.airflow.polling import Poll

            self._client = client_of(self.settings)
            self._poll = Poll(self.settings, self._client)
        self._poll.turn(feed, now)

    def examine(self, jobs: Sequence[BoundJob[AirflowBinding]], now: datetime) -> Iterator[Remark]:
        """Whether it can be read, by whom, and what it will not tell."""
        from verifier.signals.airflow.examination import examine

        client = client_of(self.settings)
        try:
            yield from examine(client, self.settings, jobs, now)
        finally:
            client.close()

    @classmethod
    def discover(cls, settings: AirflowModel | None) -> Iterator[JobSkeleton]:
        """Its DAGs, as jobs for a person to finish."""
        if settings is None:
            raise SourceUnavailable(
                "no source of type airflow is declared: declare one in landed.yaml, with the "
                "address of its API server and a user that may read"
            )
        from verifier.signals.airflow.discovery import discover

        client = client_of(settings)
        try:
            yield from discover(client)
        finally:
            client.close()

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()
        self._client = self._poll = None


def client_of(settings: AirflowModel) -> "AirflowClient":
    """A client for the Airflow of ``settings``; it connects to nothing yet."""
    from verifier.signals.airflow.client import AirflowClient

    return AirflowClient(settings.url, settings.username, settings.password.get_secret_value())
