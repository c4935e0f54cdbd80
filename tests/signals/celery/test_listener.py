"""What of a time away can never be heard."""

from datetime import datetime, timedelta

import pytest

from verifier.signals.celery.listener import unheard

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("away", "kept", "missed"),
    [
        (5, None, (0, 5)),
        (5, DAY, None),
        (23 * 60, DAY, None),
        (30 * 60, DAY, (0, 6 * 60)),
        (0, None, None),
        (-1, None, None),
    ],
)  # fmt: skip
def test_what_a_broker_keeps_is_not_missed(
    away: int, kept: timedelta | None, missed: tuple[int, int] | None, build: type
) -> None:
    noon: datetime = build.noon  # type: ignore[attr-defined]
    found = unheard(noon, noon + timedelta(minutes=away), kept)
    wanted = missed and tuple(noon + timedelta(minutes=each) for each in missed)
    assert found == wanted


def test_who_never_heard_anything_has_missed_nothing_that_could_be_told(build: type) -> None:
    assert unheard(None, build.noon, None) is None  # type: ignore[attr-defined]
