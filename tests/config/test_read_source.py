import pytest

from verifier.config.codes import Code
from verifier.config.load import job_from_document
from verifier.config.problem import Level

LINES = "sources: {night: {type: lines, path: /var/log/night.jsonl, every: 10s}}"


@pytest.fixture
def with_source(plugin, with_job):
    """A file with a source ``night`` and one job, whose ``scheduler`` is as given."""

    def text(scheduler="{source: night, task: load}", top=LINES, **keys):
        return with_job(scheduler=scheduler, **keys).replace("jobs:\n", f"{top}\njobs:\n", 1)

    return text


def test_a_source_and_what_binds_a_job_to_it_are_read_by_their_type(with_source, read):
    config = read(with_source()).config
    assert config.warnings == ()
    assert config.sources["night"].settings.path == "/var/log/night.jsonl"
    job = config.jobs["daily"]
    assert (job.binding.source, job.binding.task) == ("night", "load")
    assert (job.declaration.source, job.declaration.scheduler) == ("night", "lines")


def test_a_job_without_a_scheduler_reports_by_itself(with_job, read):
    job = read(with_job()).config.jobs["daily"]
    assert (job.binding, job.declaration.source, job.declaration.scheduler) == (None, None, None)


@pytest.mark.parametrize(
    ("top", "code", "path", "says"),
    [
        ("sources: {night: {path: x}}", Code.MISSING_KEY, "sources.night", "the key 'type'"),
        (
            "sources: {night: {type: lines}}",
            Code.MISSING_KEY,
            "sources.night.path",
            "the key 'path'",
        ),
        ("sources: {night: [1]}", Code.WRONG_TYPE, "sources.night", "a mapping with a type"),
        (
            "sources: {night: {type: lines, path: x, often: 1s}}",
            Code.UNKNOWN_KEY,
            "sources.night.often",
            "a key that is known here",
        ),
        (
            "sources: {night: {type: lime, path: x}}",
            Code.NO_SOURCE_TYPE,
            "sources.night.type",
            "found 'lime'",
        ),
    ],
)
def test_what_is_wrong_with_a_source_is_told_once_at_its_place(
    with_source, only, top, code, path, says
):
    problem = only(with_source(top=top))
    assert (problem.code, problem.path) == (code, path)
    assert says in problem.message


def test_a_mistyped_type_of_source_is_guessed(with_source, only):
    problem = only(with_source(top="sources: {night: {type: lime, path: x}}"))
    assert problem.hint == "did you mean 'lines'?"


@pytest.mark.parametrize(
    ("scheduler", "code", "path"),
    [
        ("{task: load}", Code.MISSING_KEY, "jobs.daily.scheduler.source"),
        ("{source: night}", Code.MISSING_KEY, "jobs.daily.scheduler.task"),
        ("{source: nigth, task: load}", Code.UNKNOWN_SOURCE, "jobs.daily.scheduler.source"),
        ('{source: night, task: "a\\nb"}', Code.BAD_VALUE, "jobs.daily.scheduler.task"),
        ("{source: night, task: load, dag: x}", Code.UNKNOWN_KEY, "jobs.daily.scheduler.dag"),
    ],
)
def test_what_is_wrong_with_a_binding_is_told_at_its_place(
    with_source, read, scheduler, code, path
):
    errors = [each for each in read(with_source(scheduler)).problems if each.level is Level.ERROR]
    assert [(each.code, each.path) for each in errors] == [(code, path)]


def test_a_secret_of_a_source_is_read_from_the_environment_and_never_told(with_source, read):
    text = with_source(top='sources: {night: {type: lines, path: "${WHERE}", every: "${WHERE}"}}')
    problems = read(text, {"WHERE": "s3cr3t-place"}).problems
    assert problems
    assert "s3cr3t-place" not in " ".join(map(str, problems))


def test_a_kept_document_is_read_without_its_source(with_source, read):
    document = read(with_source()).config.jobs["daily"].document
    job, problems = job_from_document("daily", document)
    assert problems == []
    assert job.declaration.source == "night"
