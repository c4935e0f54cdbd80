"""Where a command finds its configuration, its ledger and its verifier.

An option of the command line wins over the environment, which wins over the
configuration.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from verifier.cli.exits import CommandFailed
from verifier.cli.options import DEFAULT_CONFIG
from verifier.config.config import Config
from verifier.config.load import LEDGER_VARIABLE, find_ledger, load
from verifier.exec.landed_exec import default_spool


@dataclass(frozen=True, kw_only=True)
class Where:
    """What was given to say where things are; ``environ`` is the process's environment."""

    config: Path | None = None
    ledger: str | None = None
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        if self.url is not None and self.ledger is not None:
            raise CommandFailed("expected one of --url and --ledger, found both")
        for option, given in (("--url", self.url), ("--ledger", self.ledger)):
            if given == "":
                raise CommandFailed(f"{option}: expected a URL, found an empty text")

    @property
    def config_path(self) -> Path:
        """The file of the configuration."""
        return self.config or Path(self.environ.get("LANDED_CONFIG") or DEFAULT_CONFIG)

    @property
    def verifier_url(self) -> str | None:
        """The verifier that was asked for; None where a ledger was, or nothing."""
        if self.ledger is not None:
            return None
        return self.url or self.environ.get("LANDED_URL") or None

    @property
    def verifier_token(self) -> str | None:
        """The token that was given."""
        return self.token or self.environ.get("LANDED_TOKEN") or None

    @property
    def spool(self) -> str:
        """The folder in which wrappers of this host, run by this user, leave their signals."""
        return self.environ.get("LANDED_SPOOL") or default_spool()

    def load_config(self) -> Config:
        """The configuration, with ``--ledger`` applied; raises ``ConfigError``."""
        environ = dict(self.environ)
        if self.ledger is not None:
            environ[LEDGER_VARIABLE] = self.ledger
        return load(self.config_path, environ)

    def find_config(self) -> Config | None:
        """The same; None where nobody named a file, there is none, and the ledger is known."""
        named = self.config is not None or self.environ.get("LANDED_CONFIG")
        known = self.ledger or self.environ.get(LEDGER_VARIABLE)
        if known and not named and not self.config_path.exists():
            return None
        return self.load_config()

    def find_ledger(self) -> str | None:
        """The URL of the ledger, as far as that can be told from a file that has errors."""
        known = self.ledger or self.environ.get(LEDGER_VARIABLE)
        return known or find_ledger(self.config_path, self.environ)

    def ledger_url(self, config: Config | None) -> str:
        """The URL of the ledger."""
        if config is not None:
            return config.ledger
        return self.ledger or self.environ[LEDGER_VARIABLE]
