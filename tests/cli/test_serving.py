from pathlib import Path

from verifier.cli.serving import shared_notes
from verifier.config.load import read_config

TEXT = """
version: 1
ledger: postgresql://db/landed
sources: {{night: {{type: {source}}}}}
jobs: {{x: {{schedule: {{every: 1h}}, class: best-effort}}}}
"""


def notes(source: str) -> list[str]:
    reading = read_config(TEXT.format(source=source), "landed.yaml", {})
    assert reading.config is not None, reading.problems
    return list(shared_notes(reading.config))


def test_of_a_shared_ledger_a_log_of_the_host_is_warned_of(plugin: Path) -> None:
    (told,) = notes("cron-log, path: /var/log/syslog")
    assert told.startswith("note: night: read on the host of the one replica that sweeps")
    assert notes("lines, path: /srv/lines") == []
