"""``landed status``: how every job and every source stands."""

from itertools import chain

from verifier.cli.connect import connect
from verifier.cli.options import (
    ConfigOption,
    JobOption,
    JsonOption,
    LedgerOption,
    TokenOption,
    UrlOption,
)
from verifier.cli.output import note, show, show_json, show_lines, stdout
from verifier.cli.tables import (
    configuration_refused,
    jobs_table,
    source_trouble,
    sources_table,
    unknown_job,
)
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.ledger.sources import NATIVE


def status(
    job: JobOption = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how jobs stand: what is open, when they were last useful, are due; and sources."""
    with connect(Where(config=config, ledger=ledger, url=url, token=token)) as client:
        jobs = client.jobs() if job is None else [client.job(job)]
        sources, unknown = client.sources(), client.unknown_jobs()
        refused = client.configuration_refused()
    if as_json:
        show_json(
            {
                "jobs": jobs,
                "sources": sources,
                "unknown_jobs": unknown,
                "configuration_refused": refused,
            }
        )
    elif jobs:
        show(jobs_table(jobs, stdout().width, system_clock()))
        if any(each["source"] != NATIVE or each["blind"] for each in sources):
            show("", sources_table(sources, stdout().width, system_clock()))
        for sentence in chain.from_iterable(map(source_trouble, sources)):
            show_lines(sentence)
    else:
        note("no job is declared in this ledger; `landed serve` declares those of landed.yaml")
    if not as_json:
        for each in unknown:
            note(unknown_job(each))
        if refused is not None:
            for sentence in configuration_refused(refused):
                note(sentence)
