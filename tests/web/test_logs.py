import io
import json
import logging

import pytest
import structlog

from verifier.web.logs import configure_logs, redacted


@pytest.fixture
def lines():
    """What is logged, one object a line; the process's own set-up comes back afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    stream = io.StringIO()
    configure_logs(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_each_line_is_one_object_with_its_time_and_level(lines):
    structlog.get_logger().warning("ledger_unavailable", loop="tick")
    (line,) = lines()
    assert line["event"] == "ledger_unavailable"
    assert (line["level"], line["loop"]) == ("warning", "tick")
    assert line["timestamp"].endswith("Z")


def test_what_libraries_log_has_the_same_shape(lines):
    logging.getLogger("uvicorn.error").error("it %s", "broke")
    (line,) = lines()
    assert (line["event"], line["level"]) == ("it broke", "error")


def test_what_migrations_tell_of_their_steps_is_not_logged(lines):
    for name in ("alembic.runtime.migration", "alembic.runtime.plugins", "apscheduler.scheduler"):
        logging.getLogger(name).info("Running upgrade 0002 -> 0003")
    assert lines() == []


def test_a_traceback_is_a_field_of_its_line(lines):
    try:
        raise RuntimeError("cannot reach postgresql://reader:hunter2@db/x")  # noqa: TRY301 - raised to be logged
    except RuntimeError:
        structlog.get_logger().exception("request_failed")
    (line,) = lines()
    assert "RuntimeError" in line["exception"]
    assert "hunter2" not in json.dumps(line)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgresql://reader:hunter2@db:5432/x", "postgresql://reader:…@db:5432/x"),
        ("Authorization: Bearer hunter2-hunter2", "Authorization: Bearer …"),
        ("http://127.0.0.1:9877/v1/runs", "http://127.0.0.1:9877/v1/runs"),
        ("at 2026-04-03T02:00:00Z", "at 2026-04-03T02:00:00Z"),
    ],
)
def test_passwords_and_tokens_are_made_unreadable(text, kept):
    assert redacted(text) == kept
