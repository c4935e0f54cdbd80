"""``landed status``: how every job stands."""

from verifier.cli.connect import connect
from verifier.cli.options import (
    ConfigOption,
    JobOption,
    JsonOption,
    LedgerOption,
    TokenOption,
    UrlOption,
)
from verifier.cli.output import note, show, show_json, stdout
from verifier.cli.tables import jobs_table
from verifier.cli.where import Where
from verifier.engine.clock import system_clock


def status(
    job: JobOption = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how each job stands: what is open, when it was last useful, when it is due."""
    with connect(Where(config=config, ledger=ledger, url=url, token=token)) as client:
        jobs = client.jobs() if job is None else [client.job(job)]
    if as_json:
        show_json({"jobs": jobs})
    elif jobs:
        show(jobs_table(jobs, stdout().width, system_clock()))
    else:
        note("no job is declared in this ledger; `landed serve` declares those of landed.yaml")
