"""What both clients must do: one suite, for a ledger opened here and for one that is served."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from verifier.cli.client import Client, Deed, Wanted
from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.local import LocalClient
from verifier.cli.remote import RemoteClient
from verifier.engine.clock import system_clock
from verifier.engine.guarding import GuardRequest
from verifier.ledger.listing import RunFilter
from verifier.runs.action import ActionKind
from verifier.runs.instant import format_instant, parse_instant
from verifier.runs.verdict import Verdict


@pytest.fixture(params=["local", "remote"])
def client(request: pytest.FixtureRequest, served: Any) -> Iterator[Client]:
    if request.param == "local":
        yield LocalClient(served.service)
        return
    with RemoteClient(served.url, served.token) as remote:
        yield remote


def quiet(_done: int, _total: int) -> None:
    pass


def test_a_run_is_found_by_its_id_and_by_its_path(client: Client, home: Any) -> None:
    by_path = client.run(f"revenue/{home.lied}")
    assert by_path["verdict"] == "partial"
    assert by_path["false_success"] is True
    assert client.run(by_path["run_id"])["run"] == by_path["run"]
    elsewhere = parse_instant(home.lied).astimezone().isoformat()
    assert client.run(f"revenue/{elsewhere}")["run"] == by_path["run"]


def test_a_run_that_is_not_known_is_a_mistake(client: Client) -> None:
    for reference in (
        *("nope", "revenue/2026-04-03", "revenue/2000-01-01T00:00:00Z", "", "/", "../../x"),
        *("nobody/2026-04-03T00:00:00Z", "revenue/~nobody", "a b?c#d%", "\x1b[31m"),
    ):
        with pytest.raises(CommandFailed) as failure:
            client.run(reference)
        assert failure.value.code is ExitCode.USAGE


def test_runs_are_listed_newest_first_by_filter(client: Client, home: Any) -> None:
    runs = client.runs(RunFilter(job="revenue"))
    assert [run["due"] for run in runs][-4:] == [
        home.ambiguous,
        home.missing,
        home.lied,
        home.verified,
    ]
    partial = client.runs(RunFilter(job="revenue", verdict=Verdict.PARTIAL))
    assert [run["due"] for run in partial] == [home.lied]
    span = RunFilter(
        job="revenue", since=parse_instant(home.lied), until=parse_instant(home.ambiguous)
    )
    assert [run["due"] for run in client.runs(span)] == [home.missing, home.lied]
    assert len(client.runs(RunFilter(limit=2))) == 2
    by_worker = client.runs(RunFilter(job="revenue", worker="host-1:4711"))
    assert home.missing not in [run["due"] for run in by_worker]


def test_an_unknown_job_is_a_mistake_wherever_it_is_named(client: Client) -> None:
    for ask in (
        lambda: client.runs(RunFilter(job="nope")),
        lambda: client.job("nope"),
        lambda: client.verify(Wanted(job="nope"), quiet),
        lambda: client.guard(GuardRequest(job="nope", attempt="a")),
        lambda: client.act(Deed(kind=ActionKind.HOLD, by="me", reason="why", job="nope")),
    ):
        with pytest.raises(CommandFailed, match="no job is declared") as failure:
            ask()
        assert failure.value.code is ExitCode.USAGE


def test_the_job_that_was_probably_meant_is_named(client: Client) -> None:
    for ask in (
        lambda: client.runs(RunFilter(job="revenu")),
        lambda: client.job("revenu"),
        lambda: client.verify(Wanted(job="revenu"), quiet),
        lambda: client.act(Deed(kind=ActionKind.HOLD, by="me", reason="why", job="revenu")),
    ):
        with pytest.raises(CommandFailed, match="did you mean revenue"):
            ask()


def test_every_job_has_a_status(client: Client, home: Any) -> None:
    jobs = {job["job"]: job for job in client.jobs()}
    assert jobs.keys() == {"revenue", "unproved", home.long}
    assert jobs["revenue"] == client.job("revenue")
    opened = client.job("revenue")["open"]
    assert opened["partial"] == 1
    assert opened["missing"] >= 1


def test_verify_asks_again_and_tells_how_the_run_stands(client: Client, home: Any) -> None:
    seen: list[tuple[int, int]] = []
    wanted = Wanted(job="revenue", due=parse_instant(home.lied))
    (run,) = client.verify(wanted, lambda done, total: seen.append((done, total)))
    assert run["verdict"] == "partial"
    assert run["checks"][0]["evaluated_at"] > home.ambiguous
    assert seen[-1] == (1, 1)


def test_verify_takes_every_slot_of_a_span(client: Client, home: Any) -> None:
    start = parse_instant(home.verified)
    wanted = Wanted(job="revenue", start=start, end=start + timedelta(hours=3))
    runs = client.verify(wanted, quiet)
    assert [run["due"] for run in runs] == [home.verified, home.lied, home.missing]
    assert [run["verdict"] for run in runs] == ["verified", "partial", "missing"]


def test_a_partition_of_a_job_without_partitions_is_a_mistake(client: Client) -> None:
    with pytest.raises(
        CommandFailed, match=r"^--partition: expected none, since \w+ declares no partitions"
    ):
        client.verify(Wanted(job="revenue", partition="eu"), quiet)


def test_an_action_on_a_run_is_kept_and_closes_it(client: Client, home: Any) -> None:
    deed = Deed(
        kind=ActionKind.RECONCILE,
        run=f"revenue/{home.lied}",
        by="mia",
        reason="copied by hand",
        counts_as_useful=True,
    )
    action = client.act(deed)
    assert action["action"] == "reconcile"
    assert action["counts_as_useful"] is True
    assert client.run(f"revenue/{home.lied}")["verdict"] == "reconciled"
    assert client.actions("revenue") == [action]


def test_an_action_on_a_job_is_kept_with_its_end(client: Client) -> None:
    until = (system_clock() + timedelta(hours=2)).replace(microsecond=0)
    deed = Deed(kind=ActionKind.MUTE, job="revenue", by="mia", reason="holiday", until=until)
    assert client.act(deed)["until"] == format_instant(until)
    assert client.job("revenue")["muted_until"] == format_instant(until)


def test_an_action_that_makes_no_sense_is_a_mistake(client: Client, home: Any) -> None:
    nobody = Deed(
        kind=ActionKind.FENCE,
        run=f"revenue/{home.lied}",
        by="mia",
        reason="dead",
        attempt="nobody",
    )
    unknown = Deed(kind=ActionKind.SKIP, run="revenue/2000-01-01T00:00:00Z", by="mia", reason="x")
    blank = Deed(kind=ActionKind.HOLD, job="revenue", by="  ", reason="x")
    for deed in (nobody, unknown, blank):
        with pytest.raises(CommandFailed) as failure:
            client.act(deed)
        assert failure.value.code is ExitCode.USAGE
    assert client.actions() == []


def test_signals_are_taken_one_by_one(client: Client, home: Any) -> None:
    signal = {
        "job": "unproved",
        "kind": "started",
        "at": format_instant(system_clock()),
        "due": home.missing,
        "attempt": "a1",
    }
    answer = client.receive([signal, {**signal, "job": "nope"}, signal])
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    assert [each["index"] for each in answer["rejected"]] == [1]
    assert client.run(f"unproved/{home.missing}")["reported"] == "running"


def test_the_guard_answers(client: Client, home: Any) -> None:
    request = GuardRequest(job="revenue", attempt="again", due=parse_instant(home.verified))
    answer = client.guard(request)
    assert answer["decision"] == "skip"
    assert answer["run"] == f"revenue/{home.verified}"
