"""Real schedulers keep their own time, and a busy machine may make one of them late.

A test that runs one is tried again when it failed; what is wrong fails each time.
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "signals" in item.path.parts and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.flaky(reruns=2))
