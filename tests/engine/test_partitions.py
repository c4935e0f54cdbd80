"""A job of many tenants, from its due instants to what people and metrics are told."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.checks import survey
from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine.actions import ActionRefused, ActionRequest, act
from verifier.engine.asking import verify
from verifier.engine.assess import assess
from verifier.engine.documents import document
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper, GuardAnswer, GuardRequest
from verifier.engine.listening import still_here
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.action import ActionKind
from verifier.runs.binding import RunKey
from verifier.runs.declaration import WhenUnsure
from verifier.runs.evaluation import Cause
from verifier.runs.instant import format_instant
from verifier.runs.signal import Kind, Lane, Signal

START = datetime(2026, 4, 2, 11, 59, tzinfo=UTC)
DUE = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SLOT = "2026-04-02 11:45:00"
"""What the run that is due at 12:00 is about."""
TENANTS = 200

CONFIG = """
version: 1
ledger: "{ledger}"
stores:
  orders: {{type: sql, url: "sqlite:///{home}/orders.db"}}
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
jobs:
  health:
    statement: Every active tenant has its quarter hour of metrics exactly once.
    schedule: {{every: 15m}}
    class: one-result
    effects: {effects}
    settle: 10s
    partitions:
      {{name: tenant, store: orders, sql: "select id, tier from tenants", class: tier}}
    {more}
    checks:
      - type: scope
        name: metrics
        store: warehouse
        table: metrics
        key: [slot, tenant]
        partition: tenant
        where: "slot = :interval_start"
        expected: {{store: orders, sql: "select :interval_start, id from tenants"}}
"""


class Tenants:
    """The job, the tenants, and a clock that is set by hand."""

    def __init__(self, home: Path, ledger: str, more: str = "", effects: str = "upsert") -> None:
        self.home, self.now = home, START
        with sqlite3.connect(home / "orders.db") as orders:
            orders.execute("create table tenants (id text, tier text)")
            rows = [(f"t{n:03}", "gold" if n % 10 == 0 else "free") for n in range(TENANTS)]
            orders.executemany("insert into tenants values (?, ?)", rows)
        with sqlite3.connect(home / "warehouse.db") as warehouse:
            warehouse.execute("create table metrics (slot text, tenant text)")
        for each in (orders, warehouse):
            each.close()
        (home / "landed.yaml").write_text(
            CONFIG.format(home=home, ledger=ledger, more=more, effects=effects)
        )
        config = load(home / "landed.yaml", {})
        self.ledger = Ledger.open(config.ledger, self.now)
        self.stores = Stores(config.stores)
        self.fleet = Fleet(config, self.ledger, self.stores)
        self.fleet.register(self.now)
        still_here(self.ledger, self.now, config.startup_grace)
        self.engine = Engine(self.ledger, self.fleet, lambda: self.now)

    def close(self) -> None:
        self.engine.close()
        self.stores.close()
        self.ledger.close()

    def wrote(self, due: datetime, *but: int, twice: int | None = None) -> None:
        """Rows of the run for every tenant but those, and one for one of them again."""
        slot = (due - QUARTER).strftime("%Y-%m-%d %H:%M:%S")
        numbers = [n for n in range(TENANTS) if n not in but]
        numbers += [] if twice is None else [twice]
        with sqlite3.connect(self.home / "warehouse.db") as warehouse:
            rows = [(slot, f"t{n:03}") for n in numbers]
            warehouse.executemany("insert into metrics values (?, ?)", rows)
        warehouse.close()

    def sign_up(self, name: str) -> None:
        with sqlite3.connect(self.home / "orders.db") as orders:
            orders.execute("insert into tenants values (?, 'free')", [name])
        orders.close()

    def ran(self, due: datetime, attempt: str, partition: str | None = None) -> None:
        for kind, minute in ((Kind.STARTED, 0), (Kind.SUCCEEDED, 2)):
            at = due + timedelta(minutes=minute)
            self.until(at)
            said = Signal(
                job="health",
                kind=kind,
                at=at,
                id=f"{attempt}/{kind}",
                attempt=attempt,
                partition=partition,
            )
            self.ledger.append([said], source="native", received_at=at)

    def say(self, kind: Kind, attempt: str, partition: str) -> None:
        self.until(max(self.now, DUE))
        said = Signal(
            job="health",
            kind=kind,
            at=self.now,
            id=f"{attempt}/{kind}",
            attempt=attempt,
            partition=partition,
            due=DUE,
        )
        self.ledger.append([said], source="native", received_at=self.now)

    def ask(self, partition: str | None) -> str:
        """What the guard decides of a new attempt."""
        return str(self.answer(partition).decision)

    def answer(self, partition: str | None, **more: Any) -> GuardAnswer:
        """What the guard says to a new attempt."""
        gatekeeper = Gatekeeper(self.ledger, self.fleet, lambda: self.now)
        request = GuardRequest(job="health", attempt="new", due=DUE, partition=partition, **more)
        try:
            return gatekeeper.ask(request)
        finally:
            gatekeeper.close()

    def wait(self, length: timedelta) -> None:
        self.now += max(length, timedelta(seconds=1))

    def until(self, then: datetime) -> None:
        """Let time pass in small steps."""
        while self.now < then:
            self.now = min(self.now + timedelta(seconds=15), then)
            still_here(self.ledger, self.now, timedelta(seconds=60))
            self.engine.tick(self.now)
            self.engine.settle(20)

    def key(self, due: datetime, partition: str = "") -> RunKey:
        return RunKey("health", format_instant(due), partition)

    def run(self, due: datetime, partition: str = "") -> dict[str, Any]:
        return document(self.ledger, self.key(due, partition), self.now)

    def rows(self) -> list[str]:
        return sorted(
            f"{row.key.partition or '-'} {row.verdict}" for row in self.ledger.runs(RunFilter())
        )


@pytest.fixture
def tenants(tmp_path: Path, ledger_url: str) -> Iterator[Tenants]:
    world = Tenants(tmp_path, ledger_url)
    yield world
    world.close()


def test_a_quarter_where_every_tenant_was_served_is_one_record(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.rows() == ["- verified"]
    run = tenants.run(DUE)
    assert run["occurrence"] == {
        "verdict": "verified",
        "counts": {"verified": TENANTS},
        "gravest": [],
    }
    assert run["advice"]["action"] == "accept"
    assert len(tenants.ledger.evaluations(tenants.key(DUE))) == 1


def test_tenants_that_were_not_served_are_told_one_by_one(tenants: Tenants) -> None:
    tenants.wrote(DUE, 3, 4, twice=5)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.rows() == ["- duplicated", "t003 absent", "t004 absent", "t005 duplicated"]
    run = tenants.run(DUE)
    assert run["occurrence"] == {
        "verdict": "duplicated",
        "counts": {"absent": 2, "duplicated": 1, "verified": TENANTS - 3},
        "gravest": [
            {"partition": "t005", "verdict": "duplicated"},
            {"partition": "t003", "verdict": "absent"},
            {"partition": "t004", "verdict": "absent"},
        ],
    }
    assert run["advice"]["partitions"] == ["t005", "t003", "t004"]
    assert tenants.run(DUE, "t003")["advice"]["action"] == "retry"
    assert tenants.run(DUE, "t003")["false_success"]
    assert tenants.run(DUE, "t005")["advice"]["action"] == "reconcile_first"


def test_all_partitions_are_asked_about_at_once_and_a_violation_is_confirmed_once(
    tenants: Tenants,
) -> None:
    tenants.wrote(DUE, *range(50))
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    asked = [each.cause for each in tenants.ledger.evaluations(tenants.key(DUE))]
    assert asked == ["end", "confirm"]
    assert [e.cause for e in tenants.ledger.evaluations(tenants.key(DUE, "t007"))] == ["confirm"]
    assert tenants.run(DUE, "t007")["verdict"] == "absent"


def seconds_after_the_first_look(tenants: Tenants, *but: int) -> list[str]:
    """The attempt ended while those had nothing yet; what is kept once it was looked at."""
    tenants.wrote(DUE, *but)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=2, seconds=15))
    return tenants.rows()


def test_what_the_second_look_does_not_confirm_leaves_no_record(tenants: Tenants) -> None:
    late = range(30)
    assert seconds_after_the_first_look(tenants, *late) == ["- None"]
    tenants.wrote(DUE, 3, *(n for n in range(TENANTS) if n not in late))
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.rows() == ["- partial", "t003 absent"]
    assert len(tenants.ledger.evaluations(tenants.key(DUE))) == 2
    assert counted(tenants, "runs_judged") == {"absent": 1, "verified": TENANTS - 1}
    assert tenants.ledger.check(tenants.now) == []


def test_what_only_the_second_look_shows_of_a_tenant_is_confirmed_by_a_third(
    tenants: Tenants,
) -> None:
    seconds_after_the_first_look(tenants, 3)
    tenants.wrote(DUE, *(n for n in range(TENANTS) if n != 3))
    with sqlite3.connect(tenants.home / "warehouse.db") as warehouse:
        warehouse.execute("delete from metrics where tenant = 't005'")
    warehouse.close()
    tenants.until(DUE + timedelta(minutes=2, seconds=30))
    assert tenants.rows() == ["- partial", "t005 None"]
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.rows() == ["- partial", "t005 absent"]
    assert len(tenants.ledger.evaluations(tenants.key(DUE, "t005"))) == 2


def test_who_asks_while_the_job_is_at_work_makes_no_records(tenants: Tenants) -> None:
    said = Signal(job="health", kind=Kind.STARTED, at=DUE, id="s", attempt="a1", due=DUE)
    tenants.until(DUE)
    tenants.ledger.append([said], source="native", received_at=DUE)
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    assert len(tenants.ledger.evaluations(tenants.key(DUE))) == 1
    assert tenants.rows() == ["- None"]


def test_a_tenant_that_is_served_by_a_rerun_of_its_own_is_verified(tenants: Tenants) -> None:
    tenants.wrote(DUE, 3)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    tenants.wrote(DUE, *(n for n in range(TENANTS) if n != 3))
    said = [
        Signal(
            job="health",
            kind=kind,
            at=tenants.now,
            id=f"r1/{kind}",
            attempt="r1",
            partition="t003",
            lane=Lane.RERUN,
            due=DUE,
        )
        for kind in (Kind.STARTED, Kind.SUCCEEDED)
    ]
    tenants.ledger.append(said, source="native", received_at=tenants.now)
    tenants.until(DUE + timedelta(minutes=6))
    assert tenants.rows() == ["- verified", "t003 verified"]
    assert tenants.run(DUE)["occurrence"]["counts"] == {"verified": TENANTS}
    assert [each["to"] for each in tenants.run(DUE, "t003")["revisions"]] == [
        "absent",
        None,
        "verified",
    ]


def test_a_run_that_never_started_is_missing_without_a_record_for_each_tenant(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_EXCEPTIONS", 20)
    tenants.until(DUE + timedelta(minutes=7))
    run = tenants.run(DUE)
    assert run["verdict"] == "missing"
    assert len(tenants.rows()) == 1 + 20
    assert run["occurrence"]["counts"] == {"missing": 20, "unlisted": TENANTS - 20}


def test_a_job_is_as_fresh_as_its_stalest_tenant(tenants: Tenants) -> None:
    for number, lacking in enumerate([(), (1,), (2,)]):
        tenants.wrote(DUE + number * QUARTER, *lacking)
        tenants.ran(DUE + number * QUARTER, f"a{number}")
        tenants.until(DUE + number * QUARTER + timedelta(minutes=4))
    useful = tenants.ledger.last_useful("health")
    assert useful is not None
    # Tenant 2 was served by the second run, tenant 1 by the third.
    assert useful.due == DUE + QUARTER


def test_a_share_may_stand_for_all(tmp_path: Path, ledger_url: str) -> None:
    tenants = Tenants(tmp_path, ledger_url, 'complete_when: "99%"')
    try:
        tenants.wrote(DUE, 1, 2)
        tenants.ran(DUE, "a1")
        tenants.until(DUE + timedelta(minutes=4))
        assert tenants.run(DUE)["verdict"] == "partial"
        assert tenants.run(DUE)["occurrence"]["verdict"] == "absent"
        useful = tenants.ledger.last_useful("health")
        assert useful is not None
        assert useful.due == DUE
    finally:
        tenants.close()


def test_a_tenant_that_nobody_listed_has_no_verdict_by_luck(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.ran(DUE, "b1", partition="stranger")
    tenants.until(DUE + timedelta(minutes=5))
    assert tenants.run(DUE)["verdict"] == "verified"
    stranger = tenants.run(DUE, "stranger")
    assert stranger["verdict"] == "unproven"
    assert stranger["checks"][0]["reason"] == "no_partition"
    assert (
        "nobody listed stranger as a partition of this run: it is no part of it"
        in (stranger["advice"]["because"])
    )


def test_the_guard_tells_a_tenant_that_nobody_listed_apart_from_one_nobody_can_tell_of(
    tenants: Tenants,
) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=5))
    assert tenants.answer("t0O3").why.startswith("t0O3 is not listed as a partition of this run; ")


def test_a_start_for_a_tenant_that_nobody_listed_leaves_no_run_that_did_anything(
    tenants: Tenants,
) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=5))
    tenants.answer("t0O3", when_unsure=WhenUnsure.CLOSED)
    tenants.until(DUE + timedelta(minutes=10))
    asked = tenants.run(DUE, "t0O3")
    assert (asked["reported"], asked["verdict"], asked["attempts"]) == ("none", None, [])
    assert (asked["advice"]["action"], asked["advice"]["do_not"]) == ("accept", [])
    assert [each["decision"] for each in asked["guard"]] == ["refuse"]
    assert tenants.run(DUE, "t001")["reported"] == "succeeded"


def test_nobody_has_to_look_at_a_tenant_that_nobody_listed(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.ran(DUE, "b1", partition="stranger")
    tenants.until(DUE + timedelta(minutes=5))
    assert tenants.run(DUE, "stranger")["lane"] == "other"
    assert tenants.ledger.job_facts("health", tenants.now).open == []


def test_a_tenant_that_somebody_only_asked_about_is_not_missing(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.until(DUE + timedelta(minutes=7))
    key = tenants.key(DUE, "stranger")
    verify(tenants.ledger, tenants.fleet, [key], lambda: tenants.now, tenants.wait)
    tenants.until(DUE + timedelta(minutes=10))
    assert (tenants.run(DUE)["verdict"], tenants.run(DUE, "stranger")["verdict"]) == (
        "verified",
        None,
    )


def test_a_tenant_that_is_listed_by_now_is_judged_as_any(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.ran(DUE, "b1", partition="late")
    tenants.until(DUE + timedelta(minutes=5))
    tenants.sign_up("late")
    key = tenants.key(DUE, "late")
    verify(tenants.ledger, tenants.fleet, [key], lambda: tenants.now, tenants.wait)
    assert tenants.run(DUE, "late")["verdict"] == "absent"


def test_of_tenants_that_could_not_be_listed_nobody_can_tell(tenants: Tenants) -> None:
    for number in range(2):
        tenants.wrote(DUE + number * QUARTER)
        tenants.ran(DUE + number * QUARTER, f"a{number}")
        if number:
            with sqlite3.connect(tenants.home / "orders.db") as orders:
                orders.execute("alter table tenants rename to gone")
            orders.close()
        tenants.until(DUE + number * QUARTER + timedelta(minutes=4))
    assert tenants.run(DUE + QUARTER)["verdict"] == "unproven"
    count = tenants.ledger.job_facts("health", tenants.now).partitions
    assert count is not None
    assert (count.holding, count.by_class) == (0, {"free": (0, 180), "gold": (0, 20)})
    assert count.unknown == {"free": 180, "gold": 20}


def test_figures_are_told_by_class(tenants: Tenants) -> None:
    tenants.wrote(DUE, 0, 1)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    count = tenants.ledger.job_facts("health", tenants.now).partitions
    assert count is not None
    assert count.by_class == {"free": (179, 180), "gold": (19, 20)}


def test_one_tenant_without_anything_is_no_reason_to_run_all_again(
    tmp_path: Path, ledger_url: str
) -> None:
    tenants = Tenants(tmp_path, ledger_url, effects="append")
    try:
        tenants.wrote(DUE, 3)
        tenants.until(DUE + timedelta(minutes=7))
        run = tenants.run(DUE)
        assert (run["verdict"], run["advice"]["action"]) == ("partial", "reconcile_first")
        assert run["occurrence"]["verdict"] == "missing"
        assert tenants.ask(None) == "refuse"
    finally:
        tenants.close()


def test_the_attempts_of_tenants_are_known_to_the_run_of_all(tenants: Tenants) -> None:
    tenants.wrote(DUE, 1)
    for name in ("t001", "t002"):
        tenants.say(Kind.STARTED, f"a-{name}", name)
    tenants.until(DUE + timedelta(minutes=7))
    assert (tenants.run(DUE)["state"], tenants.run(DUE)["verdict"]) == ("running", None)
    for name in ("t001", "t002"):
        tenants.say(Kind.SUCCEEDED, f"a-{name}", name)
    tenants.until(DUE + timedelta(minutes=9))
    run = tenants.run(DUE)
    assert (run["reported"], run["verdict"], run["false_success"]) == ("succeeded", "partial", True)
    assert tenants.run(DUE, "t001")["false_success"]


def test_many_partitions_are_verified_by_one_look(tenants: Tenants) -> None:
    tenants.wrote(DUE, *range(30))
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    before = len(tenants.ledger.evaluations(tenants.key(DUE)))
    keys = [tenants.key(DUE), *sorted(tenants.ledger.partitions_of(tenants.key(DUE)))]
    assert len(keys) == 31
    verify(tenants.ledger, tenants.fleet, keys, lambda: tenants.now, tenants.wait)
    assert len(tenants.ledger.evaluations(tenants.key(DUE))) == before + 1


def test_tenants_that_are_mended_do_not_change_what_is_usual(tenants: Tenants) -> None:
    tenants.wrote(DUE, 3)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.ledger.verified_answers(tenants.key(DUE + QUARTER), 20) == {}
    tenants.wrote(DUE, *(n for n in range(TENANTS) if n != 3))
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    usual = tenants.ledger.verified_answers(tenants.key(DUE + QUARTER), 20)
    assert [each.expected for each in usual["metrics"]] == [TENANTS]


def test_records_of_partitions_are_bounded_however_often_one_looks(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_EXCEPTIONS", 10)
    tenants.wrote(DUE, *range(40))
    for number in range(3):
        tenants.ran(DUE + number * timedelta(minutes=3), f"a{number}")
        tenants.wrote(DUE, *range(10), *range(20, TENANTS))
    tenants.until(DUE + timedelta(minutes=10))
    assert len(tenants.ledger.partitions_of(tenants.key(DUE))) == 10
    assert tenants.ledger.last_useful("health") is None


def test_records_fill_up_with_the_gravest_that_have_none(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_EXCEPTIONS", 6)
    tenants.wrote(DUE, 0, 1, 2)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    tenants.wrote(DUE, *range(5), *range(15, TENANTS))
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    found = sorted(key.partition for key in tenants.ledger.partitions_of(tenants.key(DUE)))
    assert found == ["t000", "t001", "t002", "t005", "t006", "t007"]


def test_a_guard_that_asks_for_one_tenant_keeps_what_it_told_that_one(tenants: Tenants) -> None:
    tenants.wrote(DUE, 1, 2, 3)
    tenants.until(DUE + timedelta(minutes=1))
    assert tenants.ask("t001") == "allow"
    assert [key.partition for key in tenants.ledger.partitions_of(tenants.key(DUE))] == ["t001"]


def test_a_tenant_that_came_after_its_run_makes_nothing_of_it_worse(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    tenants.sign_up("late")
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    run = tenants.run(DUE)
    assert len(tenants.ledger.evaluations(tenants.key(DUE))) == 2
    assert run["verdict"] == "verified"
    assert [each["condition"] for each in run["conditions"]] == ["source_moved"]
    assert tenants.rows() == ["- verified"]


def test_damage_is_told_though_a_tenant_came_meanwhile(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    tenants.sign_up("late")
    tenants.wrote(DUE, *range(1, TENANTS))
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    assert "t000 duplicated" in tenants.rows()
    assert tenants.run(DUE)["verdict"] == "duplicated"


def test_partitions_are_judged_anew_with_the_run_of_all_and_not_alone(tenants: Tenants) -> None:
    tenants.wrote(DUE, 3)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.rows() == ["- partial", "t003 absent"]
    text = (tenants.home / "landed.yaml").read_text()
    text = text.replace("from tenants", "from tenants where id <> 't003'")
    (tenants.home / "landed.yaml").write_text(text)
    tenants.fleet.replace(load(tenants.home / "landed.yaml", {}), tenants.stores)
    tenants.fleet.register(tenants.now)
    tenants.until(tenants.now + timedelta(minutes=1))

    def rejudge(key: RunKey) -> None:
        signed = {"by": "ann", "reason": "t003 is nobody's", "job": "health"}
        act(tenants.ledger, ActionRequest(kind=ActionKind.REJUDGE, key=key, **signed), tenants.now)

    with pytest.raises(ActionRefused, match=r"expected health/2026-04-02T12:00:00Z: all"):
        rejudge(tenants.key(DUE, "t003"))
    rejudge(tenants.key(DUE))
    for partition in ("", "t003"):
        assert tenants.run(DUE, partition)["verdict"] is None
    tenants.until(tenants.now + timedelta(minutes=1))
    anew = "2026-04-02T12:04:00Z"
    assert tenants.run(DUE)["verdict"] == "verified"
    for partition in ("", "t003"):
        assert tenants.run(DUE, partition)["declaration"]["valid_from"] == anew
    assert tenants.ledger.check(tenants.now) == []


class Operator:
    """Somebody who acts on runs of the job."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants

    def act(self, kind: ActionKind, partition: str = "", **fields: Any) -> None:
        request = ActionRequest(
            kind=kind,
            by="ann",
            reason="looked at it",
            job="health",
            key=self.tenants.key(DUE, partition),
            **fields,
        )
        act(self.tenants.ledger, request, self.tenants.now)


@pytest.fixture
def operator(tenants: Tenants) -> Operator:
    """Two tenants lack their rows, one has them twice."""
    tenants.wrote(DUE, 3, 4, twice=5)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    return Operator(tenants)


@pytest.mark.parametrize(
    ("kind", "verdict"), [(ActionKind.SKIP, "excused"), (ActionKind.RECONCILE, "reconciled")]
)
def test_who_closes_the_run_of_all_closes_its_tenants(
    tenants: Tenants, operator: Operator, kind: ActionKind, verdict: str
) -> None:
    operator.act(kind)
    assert tenants.rows() == [f"{name} {verdict}" for name in ("-", "t003", "t004", "t005")]
    assert tenants.run(DUE)["occurrence"]["verdict"] == verdict
    assert tenants.ledger.job_facts("health", tenants.now).open == []
    assert [each["reason"] for each in tenants.run(DUE, "t003")["actions"]] == ["looked at it"]
    assert tenants.ledger.check(tenants.now) == []


def test_a_run_of_all_that_is_skipped_beforehand_leaves_no_tenant_open(tenants: Tenants) -> None:
    tenants.wrote(DUE, 3)
    tenants.until(DUE + timedelta(minutes=1))
    Operator(tenants).act(ActionKind.SKIP)
    key = tenants.key(DUE)
    tenants.until(DUE + timedelta(minutes=7))
    verify(tenants.ledger, tenants.fleet, [key], lambda: tenants.now, tenants.wait)
    assert tenants.rows() == ["- excused", "t003 excused"]


def test_what_is_found_of_a_tenant_after_all_was_closed_opens_that_one(
    tenants: Tenants, operator: Operator
) -> None:
    operator.act(ActionKind.SKIP, "t005")
    operator.act(ActionKind.RECONCILE)
    assert [
        each.kind for each in tenants.ledger.actions(run_id=tenants.key(DUE, "t005").run_id)
    ] == ["skip"]
    tenants.wrote(DUE, *(n for n in range(TENANTS) if n != 3))
    tenants.wrote(DUE, *(n for n in range(TENANTS) if n != 3))
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    tenants.until(tenants.now + timedelta(minutes=1))
    assert tenants.rows() == [
        "- duplicated",
        "t003 duplicated",
        "t004 reconciled",
        "t005 excused",
    ]


def test_a_run_of_all_is_closed_with_the_last_of_its_tenants(
    tenants: Tenants, operator: Operator
) -> None:
    operator.act(ActionKind.RECONCILE, "t003")
    operator.act(ActionKind.SKIP, "t004")
    assert tenants.run(DUE)["verdict"] == "duplicated"
    operator.act(ActionKind.RECONCILE, "t005")
    run = tenants.run(DUE)
    assert (run["verdict"], run["advice"]["action"]) == ("excused", "accept")
    assert run["occurrence"]["verdict"] == "excused"
    assert tenants.ledger.job_facts("health", tenants.now).open == []
    assert tenants.ledger.check(tenants.now) == []
    tenants.say(Kind.STARTED, "again", "t004")
    assert tenants.run(DUE)["verdict"] is None


def test_tenants_that_are_closed_close_no_run_with_rows_of_nobody(
    tenants: Tenants, operator: Operator
) -> None:
    with sqlite3.connect(tenants.home / "warehouse.db") as warehouse:
        warehouse.execute("insert into metrics values (?, 'stranger')", [SLOT])
    warehouse.close()
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    for name in ("t003", "t004", "t005"):
        operator.act(ActionKind.RECONCILE, name)
    assert tenants.run(DUE)["verdict"] == "duplicated"


def test_tenants_without_a_name_keep_their_run_open(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_EXCEPTIONS", 1)
    tenants.wrote(DUE, 3, 4)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    Operator(tenants).act(ActionKind.RECONCILE, "t003")
    assert tenants.rows() == ["- partial", "t003 reconciled"]


def counted(tenants: Tenants, family: str) -> dict[str, float]:
    """A counter's values above 0, by verdict where it has one."""
    return {
        each.labels.get("verdict", ""): each.value
        for each in tenants.ledger.tallies(f"landed_{family}_total")
        if each.value
    }


def test_counters_count_each_tenant_once(tenants: Tenants, operator: Operator) -> None:
    del operator
    assert counted(tenants, "runs_due") == {"": TENANTS}
    assert counted(tenants, "runs_created") == {"": TENANTS}
    judged = {"absent": 2, "duplicated": 1, "verified": TENANTS - 3}
    assert counted(tenants, "runs_judged") == judged
    assert counted(tenants, "false_successes") == {"": 3}
    assert counted(tenants, "useful_completions") == {"": TENANTS - 3}
    tenants.wrote(DUE, *(n for n in range(TENANTS) if n not in (3, 4)))
    tenants.say(Kind.STARTED, "again", "t003")
    tenants.say(Kind.SUCCEEDED, "again", "t003")
    tenants.until(tenants.now + timedelta(minutes=1))
    assert tenants.rows()[:3] == ["- duplicated", "t003 verified", "t004 verified"]
    assert counted(tenants, "runs_created") == {"": TENANTS}
    assert counted(tenants, "runs_judged") == judged
    assert counted(tenants, "useful_completions") == {"": TENANTS - 1}
    assert counted(tenants, "verdict_revisions") == {"": 1}
    with sqlite3.connect(tenants.home / "warehouse.db") as warehouse:
        warehouse.execute("delete from metrics where tenant = 't005'")
        warehouse.execute("insert into metrics values (?, 't005')", [SLOT])
    warehouse.close()
    verify(tenants.ledger, tenants.fleet, [tenants.key(DUE)], lambda: tenants.now, tenants.wait)
    assert tenants.run(DUE)["verdict"] == "verified"
    assert counted(tenants, "verdict_revisions") == {"": 2}
    assert counted(tenants, "useful_completions") == {"": TENANTS}


@pytest.mark.parametrize("mended", [False, True])
def test_a_tenant_that_was_served_and_gets_a_record_later_is_counted_once(
    tenants: Tenants, mended: bool
) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    if mended:
        key = tenants.key(DUE)
        with sqlite3.connect(tenants.home / "warehouse.db") as warehouse:
            warehouse.execute("delete from metrics where tenant = 't001'")
        warehouse.close()
        verify(tenants.ledger, tenants.fleet, [key], lambda: tenants.now, tenants.wait)
        assert tenants.rows() == ["- partial", "t001 absent"]
        tenants.wrote(DUE, *(n for n in range(TENANTS) if n != 1))
    tenants.say(Kind.STARTED, "again", "t001")
    tenants.say(Kind.SUCCEEDED, "again", "t001")
    tenants.until(tenants.now + timedelta(minutes=1))
    assert tenants.rows() == ["- verified", "t001 verified"]
    both = {"absent": 1} if mended else {}
    assert counted(tenants, "runs_judged") == {**both, "verified": TENANTS}
    assert counted(tenants, "useful_completions") == {"": TENANTS}
    assert counted(tenants, "runs_created") == {"": TENANTS}


def test_a_tenant_that_nobody_listed_is_counted_in_nobodys_place(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.ran(DUE, "b1", partition="stranger")
    tenants.until(DUE + timedelta(minutes=5))
    assert counted(tenants, "runs_judged") == {"verified": TENANTS, "unproven": 1}
    assert counted(tenants, "useful_completions") == {"": TENANTS}


def test_what_no_tenant_explains_is_counted_of_the_run_of_all(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    with sqlite3.connect(tenants.home / "warehouse.db") as warehouse:
        warehouse.execute("insert into metrics values (?, 'stranger')", [SLOT])
    warehouse.close()
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    assert tenants.run(DUE)["verdict"] == "wrong"
    assert counted(tenants, "runs_judged") == {"verified": TENANTS, "wrong": 1}
    assert counted(tenants, "false_successes") == {"": 1}


def test_a_tenant_that_was_tried_before_all_were_is_created_once(tenants: Tenants) -> None:
    tenants.wrote(DUE)
    early = DUE - timedelta(seconds=20)
    tenants.until(early)
    said = [
        Signal(
            job="health",
            kind=kind,
            at=early,
            id=f"one/{kind}",
            attempt="one",
            partition="t001",
            due=DUE,
        )
        for kind in (Kind.STARTED, Kind.SUCCEEDED)
    ]
    tenants.ledger.append(said, source="native", received_at=early)
    assert counted(tenants, "runs_created") == {"": 1}
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=6))
    assert tenants.rows() == ["- verified", "t001 verified"]
    assert counted(tenants, "runs_created") == {"": TENANTS}
    assert counted(tenants, "runs_judged") == {"verified": TENANTS}
    assert counted(tenants, "useful_completions") == {"": TENANTS}


def test_tenants_that_could_not_be_listed_are_one_run(tenants: Tenants) -> None:
    with sqlite3.connect(tenants.home / "orders.db") as orders:
        orders.execute("alter table tenants rename to gone")
    orders.close()
    tenants.wrote(DUE)
    tenants.ran(DUE, "a1")
    tenants.until(DUE + timedelta(minutes=4))
    assert counted(tenants, "runs_due") == counted(tenants, "runs_created") == {"": 1}
    assert counted(tenants, "runs_judged") == {"unproven": 1}


def test_whoever_asks_about_a_tenant_is_told_of_that_one(tenants: Tenants) -> None:
    tenants.wrote(DUE, 3)
    tenants.until(DUE + timedelta(minutes=1))
    key = tenants.key(DUE, "t003")
    found = assess(tenants.ledger, tenants.fleet, key, Cause.ASKED, lambda: tenants.now)
    assert (found.run_id, [each.effect for each in found.results]) == (key.run_id, ["none"])


def test_who_asks_about_a_tenant_stays_for_no_recheck_of_it(
    tmp_path: Path, ledger_url: str
) -> None:
    tenants = Tenants(tmp_path, ledger_url, 'recheck: ["235s", "240s"]')
    try:
        tenants.wrote(DUE, 3)
        tenants.ran(DUE, "a1")
        tenants.until(DUE + timedelta(minutes=5, seconds=50))
        before = len(tenants.ledger.evaluations(tenants.key(DUE)))
        key = tenants.key(DUE, "t003")
        verify(tenants.ledger, tenants.fleet, [key], lambda: tenants.now, tenants.wait)
        assert len(tenants.ledger.evaluations(tenants.key(DUE))) == before + 1
    finally:
        tenants.close()
