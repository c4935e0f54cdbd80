"""The log of a running verifier: one JSON object a line, and no secret in it."""

import logging
import re
import sys
from typing import IO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

NOISY = ("apscheduler", "alembic", "httpx", "httpcore")
"""Libraries that log every turn of a loop and every step of a request."""

_PASSWORD = re.compile(r"(://[^/\s:@'\"]*):[^/\s@'\"]+@")
_TOKEN = re.compile(r"(?i)\b(bearer|basic) +[^\s'\",]+")


def configure_logs(stream: IO[str] | None = None, level: int = logging.INFO) -> None:
    """Send what this program and its libraries log to ``stream`` (stderr).

    To be called once, by whoever owns the process.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The event with passwords in addresses, and tokens, made unreadable."""
    return {
        key: redacted(value) if isinstance(value, str) else value for key, value in event.items()
    }


def redacted(text: str) -> str:
    """``text`` without the passwords of addresses and the tokens of headers."""
    return _TOKEN.sub(r"\1 …", _PASSWORD.sub(r"\1:…@", text))
