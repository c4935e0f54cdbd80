"""How long a source may go unheard before its silence proves nothing."""

from datetime import timedelta

import pytest

from verifier.signals.source import PolledSource


class Polled(PolledSource):
    """A source that is asked every ``settings``."""

    scheduler = discovers = "polled"

    @property
    def every(self):
        return self.settings

    def poll(self, feed, now):
        raise NotImplementedError

    def examine(self, jobs, now):
        raise NotImplementedError

    @classmethod
    def discover(cls, settings):
        raise NotImplementedError


@pytest.mark.parametrize(("every", "within"), [(1, 15), (3, 15), (4, 17), (10, 35), (60, 185)])
def test_a_polled_source_may_miss_two_polls_and_is_never_silent_within_15_seconds(every, within):
    assert Polled(timedelta(seconds=every)).contact_within == timedelta(seconds=within)
