"""Jobs from the beat schedule, as workers tell it."""

from typing import Any

import pytest
from celery import Celery
from celery.schedules import crontab, schedule
from celery.worker.control import conf

from verifier.signals.celery.discovery import skeletons
from verifier.signals.celery.inspection import Setup


def told(entries: dict[str, Any], timezone: str = "UTC") -> Any:
    """The jobs of a beat schedule, written as Celery's own worker answers it."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = entries
    app.conf.timezone = timezone

    class State:
        pass

    state: Any = State()
    state.app = app
    import json

    import msgspec

    answer = json.loads(json.dumps(conf(state)))
    return list(skeletons({"w1@here": msgspec.convert(answer, Setup, strict=False)}))


def test_a_crontab_becomes_a_schedule_in_the_zone_of_the_application() -> None:
    (job,) = told(
        {
            "nightly": {
                "task": "shop.load",
                "schedule": crontab(hour=2, minute=30, day_of_week="1-5"),
            }
        },
        "Europe/Berlin",
    )
    assert job.name == "nightly"
    assert job.scheduler == {"task": "shop.load"}
    assert job.schedule == {"cron": "30 2 * * 1-5", "timezone": "Europe/Berlin"}
    assert job.comments == []


@pytest.mark.parametrize(
    ("timing", "every"),
    [(30, "30s"), (900.0, "15m"), (schedule(7200), "2h"), (schedule(90), "90s"), (0.5, "500ms")],
)
def test_an_interval_comes_with_a_warning(timing: Any, every: str) -> None:
    (job,) = told({"often": {"task": "shop.load", "schedule": timing}})
    assert job.schedule == {"every": every}
    assert "drifts" in job.comments[0]


def test_entries_of_one_task_name_themselves() -> None:
    timing = crontab(minute=0)
    jobs = told({
        "load eu": {"task": "shop.load", "schedule": timing},
        "load/us": {"task": "shop.load", "schedule": timing},
        "mail": {"task": "shop.mail", "schedule": timing},
    })  # fmt: skip
    assert [job.name for job in jobs] == ["load-eu", "load-us", "mail"]
    assert [job.scheduler.get("beat_entry") for job in jobs] == ["load eu", "load/us", None]


def test_what_beat_reads_otherwise_than_cron_is_told() -> None:
    timing = crontab(minute=0, hour=0, day_of_month="1-7", day_of_week=1)
    (job,) = told({"first-monday": {"task": "shop.load", "schedule": timing}})
    assert job.schedule is None or "both the day of the month" in job.comments[0]


def test_arguments_of_entries_are_not_told() -> None:
    entry = {
        "task": "shop.load",
        "schedule": crontab(),
        "args": ("hunter2",),
        "kwargs": {"p": "hunter2"},
    }
    assert "hunter2" not in repr(told({"x": entry}))


@pytest.mark.parametrize("entry", [None, 7, "x", {}, {"task": 7}, {"task": "t", "schedule": ["?"]}])
def test_an_answer_of_another_shape_stops_nothing(entry: Any) -> None:
    for job in skeletons({"w1@here": Setup(beat_schedule={"x": entry})}):
        assert job.schedule is None
