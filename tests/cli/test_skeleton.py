from typing import Any

import pytest

from verifier.cli.skeleton import flow, named, written
from verifier.config.load import read_config
from verifier.signals.source import JobSkeleton

NASTY = "rm -rf ${HOME}/x  # \"quoted\" 'too' \\ {a: [b]}, é: *"


def skeleton(name: str = "load", **more: Any) -> JobSkeleton:
    fields = {"scheduler": {"task": name}, "schedule": {"cron": "0 2 * * *"}} | more
    return JobSkeleton(name=name, **fields)


def read(text: str) -> Any:
    sources = "version: 1\nsources: {night: {type: lines, path: x}}\n"
    reading = read_config(sources + text, "landed.yaml", {})
    assert reading.config is not None, reading.problems
    return reading.config


def test_what_is_written_can_be_used_as_it_is(plugin: object) -> None:
    jobs = [skeleton("load", further={"retry": {"max_attempts": 3}}), skeleton(NASTY)]
    jobs = named(jobs, [])
    config = read(written(jobs, of="night", source="night", undeclared=None))
    assert [job.binding.task for job in config.jobs.values()] == ["load", NASTY]
    assert config.jobs["load"].declaration.retry.max_attempts == 3
    assert config.jobs["load"].declaration.job_class == "best-effort"


def test_it_never_invents_a_check_or_a_promise(plugin: object) -> None:
    text = written([skeleton()], of="night", source="night", undeclared=None)
    job = read(text).jobs["load"]
    assert (job.checks, job.declaration.statement) == ((), "")


def test_comments_stay_comments(plugin: object) -> None:
    told = skeleton(comments=("nightly\nload: {}", "\x1b[31mred"))
    text = written([told], of="night", source="night", undeclared=None)
    assert [*read(text).jobs] == ["load"]
    assert "  # nightly load: {}\n  # \\x1b[31mred\n" in text


def test_a_job_whose_schedule_is_not_known_is_left_for_a_person(plugin: object) -> None:
    told = [skeleton(), skeleton("odd", schedule=None)]
    text = written(told, of="night", source="night", undeclared=None)
    assert [*read(text).jobs] == ["load"]
    assert '#     scheduler: {source: "night", task: "odd"}' in text
    alone = written([told[1]], of="night", source="night", undeclared=None)
    assert "\njobs:" not in alone


def test_a_source_that_is_not_declared_is_shown_with_what_to_begin_with() -> None:
    keys = {"type": "cron-log", "path": "/x"}
    text = written([skeleton()], of="crontab", source="cron", undeclared=keys)
    assert "#   sources: {cron: {type: cron-log, path: /x}}" in text


@pytest.mark.parametrize(
    ("names", "taken", "become"),
    [
        (["load", "load", "load"], [], ["load", "load-2", "load-3"]),
        (["load"], ["load"], ["load-2"]),
        (["/opt/jobs/revenue.sh --all"], [], ["opt-jobs-revenue.sh-all"]),
        (["..."], [], ["job"]),
        (["é" * 3 + "x" * 200], [], ["x" * 95]),
    ],
)
def test_each_gets_a_name_of_its_own_that_a_job_may_have(
    names: list[str], taken: list[str], become: list[str]
) -> None:
    assert [each.name for each in named([skeleton(name) for name in names], taken)] == become


def test_values_are_written_on_one_line() -> None:
    assert flow({"a": 1, "b": ["x", True], "c": None}) == '{a: 1, b: ["x", true], c: null}'
