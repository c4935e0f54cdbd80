"""What is told of a configuration that was read again."""

from datetime import UTC, datetime

from verifier.engine.reload import Reload

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)


def test_nothing_is_told_before_anything_was_refused() -> None:
    assert Reload().document() is None


def test_the_last_refusal_is_told_until_a_configuration_is_taken() -> None:
    reload = Reload()
    reload.refused(NOON, ["a", "b"])
    reload.refused(NOON.replace(hour=13), ["c"])
    assert reload.document() == {"at": "2026-04-03T13:00:00Z", "problems": ["c"]}
    reload.taken()
    assert reload.document() is None
