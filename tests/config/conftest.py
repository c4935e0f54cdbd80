from collections.abc import Callable, Mapping

import pytest

from verifier.config.load import Reading, read_config
from verifier.config.problem import Problem

CHECK = (
    '{type: scope, name: regions, store: shop, table: revenue, key: [region], where: "day = :day",'
    ' expected: {store: shop, sql: "select code from regions"}}'
)
JOB = {
    "statement": "Every region has its revenue once.",
    "schedule": '{cron: "0 2 * * *"}',
    "covers": "previous-day",
    "class": "one-result",
    "effects": "replace",
    "checks": f"[{CHECK}]",
}


@pytest.fixture
def scope() -> str:
    """A check in flow style that proves the job complete."""
    return CHECK


@pytest.fixture
def with_job() -> Callable[..., str]:
    """A file with one good job, some of whose keys are written otherwise, or left out."""

    def text(**keys: str | None) -> str:
        job = JOB | {key.rstrip("_"): value for key, value in keys.items()}
        lines = [f"    {key}: {value}" for key, value in job.items() if value is not None]
        return (
            "version: 1\n"
            'stores: {shop: {type: sql, url: "sqlite:////srv/shop.db"}}\n'
            "jobs:\n  daily:\n" + "\n".join(lines) + "\n"
        )

    return text


@pytest.fixture
def with_top(with_job: Callable[..., str]) -> Callable[[str], str]:
    """A file with one good job, and further lines at its top."""

    def text(lines: str) -> str:
        return with_job().replace("jobs:\n", f"{lines}\njobs:\n", 1)

    return text


@pytest.fixture
def read() -> Callable[..., Reading]:
    def read(text: str, environ: Mapping[str, str] | None = None) -> Reading:
        return read_config(text, "landed.yaml", environ or {})

    return read


@pytest.fixture
def only(read: Callable[..., Reading]) -> Callable[..., Problem]:
    """The only problem of a file."""

    def only(text: str, environ: Mapping[str, str] | None = None) -> Problem:
        problems = read(text, environ).problems
        assert len(problems) == 1, [str(problem) for problem in problems]
        return problems[0]

    return only


@pytest.fixture
def pointed() -> Callable[[str, Problem], str]:
    """The rest of the line from the place that a problem points at."""

    def pointed(text: str, problem: Problem) -> str:
        assert problem.line is not None
        assert problem.column is not None
        return text.split("\n")[problem.line - 1][problem.column - 1 :]

    return pointed
