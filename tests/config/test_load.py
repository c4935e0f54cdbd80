import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from verifier.config.codes import Code
from verifier.config.load import (
    Reading,
    check,
    find_ledger,
    job_from_document,
    load,
    read_config,
    read_file,
)
from verifier.config.problem import ConfigError

EXAMPLE = Path(__file__).parents[2] / "checks" / "example.yaml"

WHOLE = """\
version: 1
ledger: sqlite:///landed.db
listen: 127.0.0.1:9877
startup_grace: 90s
defaults: {timezone: Europe/Berlin, severity: ticket}
tokens: {ingest: ["${INGEST}"], operate: {oncall: "${OPERATE}"}}
stores:
  orders:    {type: sql, url: "${ORDERS_URL}"}
  warehouse: {type: sql, url: "${WAREHOUSE_URL}", statement_timeout: 30s, max_concurrency: 4}
jobs:
  daily-revenue:
    statement: Every active region has yesterday's revenue exactly once.
    schedule: {cron: "0 2 * * *", timezone: Europe/Berlin, dialect: debian, on: every-day,
               calendar: {country: DE}}
    covers: previous-day
    class: one-result
    overlap: forbid
    effects: replace
    retry: {max_attempts: 3, auto: before_effects}
    worse: duplicate
    resumable: false
    start_within: 5m
    finish_within: 45m
    runtime_within: 30m
    verified_within: 2h
    heartbeat_within: 2m
    progress_within: 10m
    lease: 10m
    zombie_grace: 45m
    settle: 10s
    recheck: [15m, 6h]
    since: 2026-04-01
    severity: page
    owner: finance-data
    runbook: https://wiki.example/revenue
    consumers: [exec-dashboard, weekly-export]
    guard: {enabled: true, when_unsure: open}
    checks:
      - {type: scope, name: regions, store: warehouse, table: daily_revenue, key: [region],
         where: "day = :day",
         expected: {store: orders, sql: "select code from regions where active", min: 100}}
      - {type: exactly_once, name: no-double, store: warehouse, table: daily_revenue,
         key: [day, region], where: "day = :day", within: lifetime}
      - {type: reconcile, name: totals,
         left: {store: orders, sql: "select sum(amount) from orders where day = :day"},
         right: {store: warehouse, sql: "select sum(amount) from daily_revenue where day = :day"},
         within_abs: 0.01}
  tenant-health:
    statement: Every active tenant has its quarter hour of metrics exactly once.
    schedule: {every: 15m}
    covers: previous-interval
    class: one-result
    overlap: serialize
    effects: upsert
    checks:
      - {type: row_count, name: some, store: warehouse, table: health,
         where: "at = :interval_start", ge: 1}
"""
ENVIRON = {
    "INGEST": "ingest-token-hunter2",
    "OPERATE": "operate-token-hunter2",
    "ORDERS_URL": "sqlite:////srv/hunter2/orders.db",
    "WAREHOUSE_URL": "sqlite:////srv/hunter2/warehouse.db",
}


@pytest.fixture
def whole() -> Reading:
    return read_config(WHOLE, "landed.yaml", ENVIRON)


def test_a_file_that_uses_every_key_is_read(whole: Reading) -> None:
    assert whole.problems == ()
    config = whole.config
    assert config is not None
    assert config.ledger == "sqlite:///landed.db"
    assert config.listen == ("127.0.0.1", 9877)
    assert config.startup_grace.total_seconds() == 90
    assert list(config.stores) == ["orders", "warehouse"]
    assert config.tokens.operate["oncall"].get_secret_value() == "operate-token-hunter2"
    assert [check.name for check in config.job("daily-revenue").checks] == [
        "regions",
        "no-double",
        "totals",
    ]
    with pytest.raises(KeyError):
        config.job("nightly")


def test_no_secret_is_in_what_a_configuration_prints(whole: Reading) -> None:
    assert "hunter2" not in repr(whole)


def test_a_document_is_json_and_holds_references_as_written(whole: Reading) -> None:
    text = WHOLE.replace("where active", "where owner = '${OWNER}'")
    config = read_config(text, "landed.yaml", ENVIRON | {"OWNER": "hunter2"}).config
    assert config is not None
    document = json.dumps(config.job("daily-revenue").document)
    assert "hunter2" not in document
    assert "'${OWNER}'" in document


def test_a_kept_document_becomes_the_same_job_again(whole: Reading) -> None:
    assert whole.config is not None
    for name, job in whole.config.jobs.items():
        kept = json.loads(json.dumps(job.document))
        revived, problems = job_from_document(name, kept, {})
        assert problems == []
        assert revived is not None
        assert revived.declaration == job.declaration
        assert revived.checks == job.checks


def test_a_kept_document_holds_what_it_took_from_the_defaults(whole: Reading) -> None:
    assert whole.config is not None
    document = whole.config.job("tenant-health").document
    assert document["schedule"] == {"every": "15m", "timezone": "Europe/Berlin"}
    assert document["severity"] == "ticket"


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("statement", "${GONE}", Code.MISSING_VARIABLE),
        ("effects", "teleport", Code.NOT_A_CHOICE),
        ("schedule", {"cron": "x"}, Code.BAD_SCHEDULE),
        ("schedule", 5, Code.WRONG_TYPE),
    ],
)
def test_a_kept_document_that_cannot_be_read_any_more_says_why(
    key: str, value: object, code: Code, whole: Reading
) -> None:
    assert whole.config is not None
    document = dict(whole.config.job("daily-revenue").document) | {key: value}
    job, problems = job_from_document("daily-revenue", document, {})
    assert job is None
    assert [(each.code, each.line, each.file) for each in problems] == [
        (code, None, "declaration of daily-revenue")
    ]
    assert str(problems[0]).startswith(f"declaration of daily-revenue {code} jobs.daily-revenue")


def test_all_errors_of_all_jobs_are_told_at_once_in_their_order(
    read: Callable[..., Reading],
) -> None:
    text = """\
version: 2
lisen: 127.0.0.1:1
defaults: {severity: loud}
stores: {shop: {type: sql, url: "${SHOP_URL}"}}
jobs:
  one: {schedule: {cron: "99 * * * *"}, class: best-effort, owner: "${OWNER}"}
  two: {schedule: {every: 5}, class: best-efort}
  three: 5
  four:
    schedule: {every: 1h}
    class: best-effort
    checks: [{type: row_count, name: n, store: shopp, sql: "select :x", ge: 1}]
"""
    problems = read(text).problems
    assert [(each.line, each.code, each.path) for each in problems] == [
        (1, Code.NOT_A_CHOICE, "version"),
        (2, Code.UNKNOWN_KEY, "lisen"),
        (3, Code.NOT_A_CHOICE, "defaults.severity"),
        (4, Code.MISSING_VARIABLE, "stores.shop.url"),
        (6, Code.BAD_SCHEDULE, "jobs.one.schedule.cron"),
        (6, Code.MISSING_VARIABLE, "jobs.one.owner"),
        (7, Code.BAD_VALUE, "jobs.two.schedule.every"),
        (7, Code.NOT_A_CHOICE, "jobs.two.class"),
        (8, Code.WRONG_TYPE, "jobs.three"),
        (12, Code.UNKNOWN_STORE, "jobs.four.checks[0].store"),
        (12, Code.UNKNOWN_PARAMETER, "jobs.four.checks[0].sql"),
    ]
    assert all(each.column for each in problems)


@pytest.mark.parametrize("text", ["[]", "5", "text", "- version: 1", '""', "true"])
def test_a_file_that_is_no_mapping_is_told(text: str, read: Callable[..., Reading]) -> None:
    (problem,) = read(text).problems
    assert (problem.code, problem.line, problem.column) == (Code.WRONG_TYPE, 1, 1)


@pytest.mark.parametrize(
    ("lines", "paths"),
    [
        ("", ["version", "jobs"]),
        ("jobs: []", ["jobs", "version"]),
        ("stores: 5\njobs: {}", ["stores", "version", "jobs"]),
        ("tokens: {ingest: x}\njobs: {}", ["tokens.…", "version", "jobs"]),
    ],
)
def test_what_the_top_lacks_is_told(
    lines: str, paths: list[str], read: Callable[..., Reading]
) -> None:
    problems = read(f"{lines}\nx-extra: 1").problems
    assert {*paths, "x-extra"} >= {each.path for each in problems} > {"x-extra"}


def test_defaults_that_are_broken_spoil_no_job(
    with_top: Callable[[str], str], read: Callable[..., Reading]
) -> None:
    problems = read(with_top("defaults: {timezone: 5}")).problems
    assert [each.path for each in problems] == ["defaults.timezone"]


def test_a_value_that_was_not_read_is_told_once(
    with_job: Callable[..., str], read: Callable[..., Reading]
) -> None:
    text = with_job(lease="${LEASE}", owner="*nobody", severity="!loud page")
    codes = {each.path: each.code for each in read(text).problems}
    assert codes == {
        "jobs.daily.lease": Code.MISSING_VARIABLE,
        "jobs.daily.owner": Code.BAD_ALIAS,
        "jobs.daily.severity": Code.YAML_FEATURE,
    }


def test_the_variable_of_the_ledger_wins(
    with_top: Callable[[str], str], read: Callable[..., Reading]
) -> None:
    text = with_top("ledger: sqlite:///from_file.db")
    config = read(text, {"LANDED_LEDGER": "sqlite:////srv/env.db"}).config
    assert config is not None
    assert config.ledger == "sqlite:////srv/env.db"


def test_the_digest_follows_the_text(whole: Reading) -> None:
    other = read_config(WHOLE + "\n", "landed.yaml", ENVIRON)
    assert whole.config is not None
    assert other.config is not None
    assert whole.config.digest != other.config.digest


def test_load_gives_a_configuration_with_its_warnings(
    tmp_path: Path, with_job: Callable[..., str]
) -> None:
    path = tmp_path / "landed.yaml"
    path.write_text(with_job(heartbeat_within="10s"))
    config = load(path, {})
    assert config.file == str(path)
    assert [each.code for each in config.warnings] == [Code.BEAT_TOO_SHORT]
    assert check(path, {}) == list(config.warnings)


def test_load_raises_all_that_is_wrong(tmp_path: Path, with_job: Callable[..., str]) -> None:
    path = tmp_path / "landed.yaml"
    path.write_text(with_job(owner="5", effects="x"))
    with pytest.raises(ConfigError) as raised:
        load(path, {})
    assert len(raised.value.problems) == 2
    assert str(raised.value).count("\n") == 1
    assert list(raised.value.problems) == check(path, {})


def test_a_file_that_is_not_there_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    reading = read_file(tmp_path / "none.yaml", {})
    assert reading.config is None
    assert [each.code for each in reading.problems] == [Code.UNREADABLE]


def test_problems_are_json(read: Callable[..., Reading]) -> None:
    (problem,) = json.loads(msgspec.json.encode(read("").problems))
    assert set(problem) >= {"file", "line", "column", "code", "path", "message", "hint"}


def test_the_shipped_example_holds_without_a_warning() -> None:
    reading = read_file(EXAMPLE, {})
    assert reading.problems == ()
    assert reading.config is not None
    assert len(reading.config.jobs) == 7


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ledger: sqlite:///a.db\njobs: {x: nonsense}", "sqlite:///a.db"),
        ("ledger: 'sqlite:///${NAME}.db'\nlisten: 7", "sqlite:///night.db"),
        ("jobs: {x: nonsense}", "sqlite:///landed.db"),
        ("ledger: '${GONE}'", None),
        ("ledger: 7", None),
        ("ledger: sqlite:///a.db\njobs: [", None),
        ("- ledger", None),
    ],
)
def test_the_ledger_is_found_in_a_file_with_other_errors(
    tmp_path: Path, text: str, found: str | None
) -> None:
    file = tmp_path / "landed.yaml"
    file.write_text(text)
    assert find_ledger(file, {"NAME": "night"}) == found
    assert find_ledger(tmp_path / "nowhere", {}) is None
