from collections.abc import Callable

from verifier.config.load import Reading
from verifier.config.template import TEMPLATE
from verifier.runs.declaration import SurfaceKind


def test_what_init_writes_holds_as_it_is(read: Callable[..., Reading]) -> None:
    reading = read(TEMPLATE)
    assert reading.problems == ()
    assert reading.config is not None
    assert list(reading.config.jobs) == ["daily-revenue"]
    assert reading.config.job("daily-revenue").declaration.provable


def test_what_init_writes_explains_how_a_job_may_take_effect() -> None:
    comments = "\n".join(line for line in TEMPLATE.splitlines() if line.lstrip().startswith("#"))
    for kind in set(SurfaceKind) - {SurfaceKind.NONE}:
        assert f"  {kind} " in comments
    assert max(map(len, TEMPLATE.splitlines())) <= 90
