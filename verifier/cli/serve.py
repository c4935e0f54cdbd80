"""``landed serve``: the sidecar."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Annotated

import structlog
import typer

from verifier.checks.stores.registry import Stores
from verifier.cli.exits import CommandFailed
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption
from verifier.cli.output import show_json, show_lines
from verifier.cli.where import Where
from verifier.config.config import Config
from verifier.config.file import Address
from verifier.config.problem import ConfigError, Problem
from verifier.engine.clock import system_clock, system_wait
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.instance import AlreadyServed, claim, ledger_path, operate_token, serving
from verifier.engine.listening import resume, still_here
from verifier.engine.loops import Loops
from verifier.engine.service import Service
from verifier.ledger.ledger import Ledger
from verifier.runs.duration import parse_duration
from verifier.signals.spool import sweep_spool
from verifier.web.access import Access
from verifier.web.app import build_app
from verifier.web.logs import configure_logs
from verifier.web.server import CannotListen, Listener, listen
from verifier.web.server import serve as serve_app
