import pytest

from verifier.config.codes import Code
from verifier.config.load import read_config
from verifier.config.problem import Level


@pytest.fixture
def problems(plugin):
    def problems(*jobs, sources="{night: {type: lines, path: x}}"):
        lines = [
            f"  {name}: {{schedule: {{every: 1h}}, class: best-effort, scheduler: {scheduler}}}"
            for name, scheduler in jobs
        ]
        text = f"version: 1\nsources: {sources}\njobs:\n" + "\n".join(lines)
        found = read_config(text, "landed.yaml", {}).problems
        return [(each.code, each.level, each.path, each.message) for each in found]

    return problems


def test_two_jobs_that_are_bound_to_the_same_are_refused(problems):
    same = "{source: night, task: load}"
    ((code, level, path, message),) = problems(("one", same), ("two", same))
    assert (code, level, path) == (Code.BOUND_TWICE, Level.ERROR, "jobs.two.scheduler")
    assert "found the same as jobs.one" in message


def test_two_jobs_of_one_source_are_told_apart_by_what_binds_them(problems):
    assert (
        problems(("one", "{source: night, task: load}"), ("two", "{source: night, task: send}"))
        == []
    )


def test_the_same_task_of_two_sources_is_not_the_same(problems):
    sources = "{a: {type: lines, path: x}, b: {type: lines, path: y}}"
    assert (
        problems(
            ("one", "{source: a, task: load}"),
            ("two", "{source: b, task: load}"),
            sources=sources,
        )
        == []
    )


def test_a_source_that_no_job_is_bound_to_is_warned_of(problems):
    sources = "{night: {type: lines, path: x}, idle: {type: lines, path: y}}"
    ((code, level, path, _),) = problems(("one", "{source: night, task: load}"), sources=sources)
    assert (code, level, path) == (Code.UNUSED_SOURCE, Level.WARNING, "sources.idle")
