"""Several processes on one ledger, and one whose ledger is gone."""

from datetime import timedelta

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.service import Service
from verifier.exporters.exposition import Turns
from verifier.ledger.errors import LedgerUnavailable

CONFIG = """\
version: 1
ledger: sqlite:///{path}
jobs:
  nightly:
    schedule: {{cron: "{cron}"}}
    class: best-effort
    owner: {owner}
"""
TURNS = {"metrics": Turns(timedelta(seconds=5), None), "tick": Turns(timedelta(seconds=1), None)}


@pytest.fixture
def replica(open_ledger, path, tmp_path, build):
    """Opens the ledger as one more process with a configuration of its own."""
    closing = []

    def start(owner="ann", cron="0 2 * * *"):
        file = tmp_path / f"{owner}.yaml"
        file.write_text(CONFIG.format(path=path, owner=owner, cron=cron))
        config, ledger = load(file, {}), open_ledger()
        stores = Stores(config.stores)
        fleet = Fleet(config, ledger, stores)
        fleet.register(build.at("01:00"))
        gatekeeper = Gatekeeper(ledger, fleet, lambda: build.at("03:00"))
        closing.extend([stores.close, gatekeeper.close])
        return Service(ledger, fleet, gatekeeper, lambda: build.at("03:00"), lambda _: None)

    yield start
    for close in closing:
        close()


def page(service, when, build):
    service.take_figures(TURNS, build.at(when))
    return service.metrics("text/plain").body.decode()


def differing(one, other):
    pairs = zip(one.splitlines(), other.splitlines(), strict=True)
    return [first.split(" ")[0] for first, second in pairs if first != second]


def test_two_configurations_of_one_job_tell_the_same_and_differ_in_their_hash(replica, build):
    first, second = replica("ann"), replica("bob", cron="0 3 * * *")
    pages = [page(each, "02:30", build) for each in (first, second)]
    assert [name.split("{")[0] for name in differing(*pages)] == ["landed_config_info"]
    assert all('owner="bob"' in each for each in pages)
    assert all(each.count("landed_job_info{") == 1 for each in pages)


def test_a_replica_hears_of_what_another_one_wrote(replica, build):
    first, second = replica(), replica()
    page(first, "02:00", build)
    started = b'{"job": "nightly", "kind": "started", "at": "2026-04-03T02:00:05Z"}'
    second.receive([started], "native")
    assert 'landed_attempts_active{job_name="nightly",lane="live"} 1.0' in page(
        first, "02:01", build
    )
    taken = 'landed_signals_total{kind="started",source="native"}'
    assert f"{taken} 0.0" in page(first, "02:01", build)
    assert f"{taken} 1.0" in page(second, "02:01", build)


def test_what_the_door_refuses_is_counted_by_why(replica, build):
    service = replica()
    page(service, "02:00", build)
    service.receive([b"{}", b"{", b'{"job": "x", "kind": "started", "at": "2026"}'], "spool")
    told = service.metrics(None).body.decode()
    assert 'landed_signals_rejected_total{code="not_json",source="spool"} 1.0' in told
    assert 'landed_signals_rejected_total{code="not_a_signal",source="spool"} 1.0' in told
    assert 'landed_signals_rejected_total{code="bad_time",source="spool"} 1.0' in told
    assert "landed_signal_commit_duration_seconds_count 1.0" in told


def test_while_the_ledger_is_gone_the_last_figures_stay_with_their_old_time(replica, path, build):
    service = replica()
    before = page(service, "02:00", build)
    service.ledger.close()
    path.rename(path.with_suffix(".away"))
    with pytest.raises(LedgerUnavailable):
        service.take_figures(TURNS, build.at("02:30"))
    after = service.metrics("text/plain").body.decode()
    assert after == before
    told = f"{build.at('02:00').timestamp():g}"
    assert f'landed_last_evaluation_timestamp_seconds{{loop="metrics"}} {told[0]}' in after
    path.with_suffix(".away").rename(path)
    assert page(service, "02:31", build) != before
