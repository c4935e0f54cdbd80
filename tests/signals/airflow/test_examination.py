"""What ``landed doctor`` and ``landed discover airflow`` say of an Airflow."""

from datetime import timedelta
from typing import Any

import pytest

from verifier.checks.remark import Level
from verifier.signals.airflow.discovery import job_name
from verifier.signals.airflow.source import AirflowSource
from verifier.signals.source import SourceUnavailable


def remarks(played: Any, feed: Any, **more: Any) -> list[tuple[str, str]]:
    source = AirflowSource(played.settings(**more))
    return [(str(each.level), each.message) for each in source.examine(feed.jobs, played.now)]


def said(found: list[tuple[str, str]], word: str) -> list[str]:
    return [level for level, message in found if word in message]


def details(monkeypatch: pytest.MonkeyPatch, played: Any, **changes: Any) -> None:
    """Change what it says of its DAG."""
    answer = played.answer

    def changed(path: str, query: Any) -> Any:
        found = answer(path, query)
        return found | changes if path.endswith("/details") and found else found

    monkeypatch.setattr(played, "answer", changed)


def test_a_healthy_airflow_is_told_with_its_version(played: Any, feed: Any) -> None:
    found = remarks(played, feed)
    assert found[0] == ("ok", f"Airflow 3.3.2 answers at {played.url}")
    assert [level for level, _ in found if level in (Level.ERROR, Level.WARNING)] == [
        "error"  # the recording has no task `part` in its list
    ]


def test_the_task_that_is_not_there_is_named(played: Any, feed: Any) -> None:
    assert said(remarks(played, feed), "has no task 'part', which part is bound to") == ["error"]


def test_a_dead_scheduler_is_told(
    played: Any, feed: Any, monkeypatch: pytest.MonkeyPatch, recordings: Any
) -> None:
    """Recorded in rest_health.json and rest_health_scheduler_dead.json."""
    answer = played.answer
    health = recordings.recorded("rest_health.json")["body"]
    dead = health | {"scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": None}}
    monkeypatch.setattr(
        played, "answer", lambda path, q: dead if path == "monitor/health" else answer(path, q)
    )
    assert said(remarks(played, feed), "its scheduler is unhealthy") == ["error"]


def test_a_paused_dag_is_told(played: Any, feed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded in rest_dag_details.json."""
    details(monkeypatch, played, is_paused=True)
    found = remarks(played, feed)
    assert said(found, "is paused: every slot of dag, flaky, part will be missing") == ["warning"]


def test_a_schedule_that_differs_is_told(
    played: Any, feed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    details(monkeypatch, played, timetable_summary="0 2 * * *")
    found = remarks(played, feed)
    assert said(found, "dag is declared for '*/3 * * * *', and Airflow runs") == ["warning"]


def test_a_zone_that_differs_is_told(
    played: Any, feed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    details(monkeypatch, played, timezone="Europe/Berlin")
    assert "warning" in said(remarks(played, feed), "in the zone UTC, and DAG")


def test_a_dag_that_is_not_there_is_told(played: Any, feed: Any) -> None:
    binding = feed.jobs[0].binding.model_copy(update={"dag": "nowhere"})
    feed.jobs = (type(feed.jobs[0])(name="lost", binding=binding, history=feed.jobs[0].history),)
    assert said(remarks(played, feed), "no DAG 'nowhere', which lost is bound to") == ["error"]


def test_a_right_that_is_missing_is_told_with_what_is_not_seen(played: Any, feed: Any) -> None:
    played.plan = [("/api/v2/eventLogs", 403, {}, b"{}")]
    found = remarks(played, feed)
    assert said(found, "may not read eventLogs") == ["warning"]


def test_clocks_that_differ_are_told(played: Any, feed: Any) -> None:
    played.now += timedelta(minutes=2)
    source = AirflowSource(played.settings())
    found = [e.message for e in source.examine(feed.jobs, played.now - timedelta(minutes=2))]
    assert "the clock of Airflow is +120 s ahead of the one here" in found


def test_an_airflow_that_is_away_is_one_error_and_no_secret(played: Any, feed: Any) -> None:
    found = remarks(played, feed, url="http://127.0.0.1:9")
    assert [level for level, _ in found] == ["error", "note"]
    assert "right" not in str(found)


def test_what_polling_cannot_see_is_told_unless_events_are_kept(
    played: Any, feed: Any, tmp_path: Any
) -> None:
    assert said(remarks(played, feed), "cleared between two polls is not seen") == ["note"]
    path = tmp_path / "events.ndjson"
    found = remarks(played, feed, lineage_file=str(path))
    assert said(found, "is not there yet") == ["warning"]
    path.touch()
    found = remarks(played, feed, lineage_file=str(path))
    assert not said(found, "events") or not said(found, "not there")


def test_a_dag_is_discovered_with_its_schedule_and_no_check(played: Any) -> None:
    """Recorded in rest_dag.json."""
    (skeleton,) = AirflowSource.discover(played.settings())
    assert skeleton.name == "demo_sched"
    assert skeleton.scheduler == {"dag": "demo_sched"}
    assert skeleton.schedule == {"cron": "*/3 * * * *", "timezone": "UTC"}
    assert skeleton.comments == [
        "its timetable has no data interval: say in `covers` what a run is to have done",
        "tasks, any of which may be the job: flaky",
        "up to 2 retries a task, 5s apart",
    ]
    assert skeleton.further == {}


def test_discovery_without_an_airflow_says_what_to_declare() -> None:
    with pytest.raises(SourceUnavailable, match="no source of type airflow is declared"):
        list(AirflowSource.discover(None))


@pytest.mark.parametrize(
    ("dag", "job"),
    [("daily.revenue", "daily.revenue"), ("räume & co", "r-ume-co"), ("_x", "x"), ("日次", "dag")],
)
def test_a_dag_id_becomes_a_name_that_a_job_may_have(dag: str, job: str) -> None:
    assert job_name(dag) == job
