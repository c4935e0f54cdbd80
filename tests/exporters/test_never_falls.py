"""Whatever happens to a ledger, no counter of it falls, and every replica tells the same."""

import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from verifier.catalogue.families import FAMILIES
from verifier.catalogue.family import Scope, Type
from verifier.ledger import prune_runs
from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch
from verifier.runs.declaration import Every, Overlap
from verifier.runs.signal import ENDS, Kind, Lane

COUNTED = tuple(
    name
    for family in FAMILIES
    if family.available
    and family.scope is Scope.LEDGER
    and family.type in (Type.COUNTER, Type.HISTOGRAM)
    for name in family.sample_names
)
PROCESS = {
    name
    for family in FAMILIES
    if family.scope is Scope.PROCESS
    for name in (family.name, *family.sample_names)
}
SLOTS = st.integers(0, 3)
MINUTES = st.integers(0, 59)
WORDS = ("complete", "none", "partial", "duplicated", "unreachable")


def of_the_ledger(page: str) -> list[str]:
    """The lines of the page without those of what a process tells of itself."""
    return [line for line in page.splitlines() if family_of(line) not in PROCESS]


def family_of(line: str) -> str:
    return line.split(" ")[2] if line.startswith("# ") else line.split("{")[0].split(" ")[0]


def counted_in(page: list[str]) -> dict[str, float]:
    samples = (line.rpartition(" ") for line in page if family_of(line) in COUNTED)
    return {name: float(value) for name, _, value in samples if not name.startswith("#")}


@pytest.fixture
def machine(build, watch, monkeypatch):
    monkeypatch.setattr(prune_runs, "NEWEST", 1)

    class Story(RuleBasedStateMachine):
        """One job, due every quarter of an hour, and two replicas that take turns."""

        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(mkdtemp())
            self.now = build.at("01:00")
            self.highest: dict[str, float] = {}
            self.ledgers = [self.opened(), self.opened()]
            self.scrapers = [watch(each) for each in self.ledgers]
            self.expected = 0
            self.kept_from = self.now

        def opened(self) -> Ledger:
            ledger = Ledger.open(f"sqlite:///{self.folder}/landed.db", build.declared)
            raw = ledger._database._writer.raw_connection()
            raw.cursor().execute("PRAGMA synchronous = OFF")
            raw.close()
            return ledger

        @property
        def ledger(self) -> Ledger:
            return self.ledgers[0]

        def teardown(self) -> None:
            for ledger in self.ledgers:
                ledger.close()
            shutil.rmtree(self.folder)

        @initialize(overlap=st.sampled_from([Overlap.ALLOW, Overlap.FORBID]))
        def declare(self, overlap) -> None:
            schedule = Every(period=timedelta(minutes=15))
            self.job = build.job("nightly", schedule, overlap=overlap)
            self.ledger.declare("nightly", self.job, build.document, self.now)

        def key(self, slot):
            return build.key("nightly", f"01:{15 * slot:02}")

        @rule(
            kind=st.sampled_from([each for each in Kind if each is not Kind.EFFECT]),
            minute=MINUTES,
            attempt=st.sampled_from([None, "a", "b", "c"]),
            slot=st.none() | SLOTS,
            lane=st.sampled_from([None, *Lane]),
            together=st.booleans(),
        )
        def hear(self, kind, minute, attempt, slot, lane, together) -> None:
            if build.at(f"01:{minute:02}") < self.kept_from:
                return  # the door takes it no more
            due = None if slot is None else self.key(slot).due
            if lane in (Lane.BACKFILL, Lane.RERUN) and due is None:
                lane = None
            if lane is Lane.MANUAL and attempt is None:
                lane = None
            said = build.signal(
                kind,
                f"01:{minute:02}",
                attempt,
                due=due,
                lane=lane,
                id=f"{kind}/{minute}/{attempt}",
                exit_code=1 if kind in ENDS else None,
            )
            if together:
                batch = Batch(signals=[said], source="native", received_at=self.now)
                self.ledger.append_group([batch], self.now)
            else:
                self.ledger.append([said], source="native", received_at=self.now)

        @rule(slot=SLOTS, word=st.sampled_from(WORDS), again=st.booleans())
        def look(self, slot, word, again) -> None:
            for _ in range(1 + again):
                key, self.now = self.key(slot), self.now + timedelta(seconds=11)
                answer = build.evaluation(key, self.now.strftime("%H:%M:%S"), word)
                self.ledger.record(key, answer, self.now)

        @rule()
        def fall_due(self) -> None:
            dues = [self.key(slot).due for slot in range(4)]
            self.ledger.expect("nightly", dues, self.now)

        @rule(minutes=st.integers(1, 40))
        def time_passes(self, minutes) -> None:
            self.now += timedelta(minutes=minutes)
            for key in self.ledger.awake(self.now, 20):
                self.ledger.judge([key], self.now)

        @rule(slot=SLOTS, kind=st.sampled_from(["skip", "reconcile"]), useful=st.booleans())
        def close(self, slot, kind, useful) -> None:
            when = self.now.strftime("%H:%M:%S")
            action = build.action(kind, when, self.key(slot), counts_as_useful=useful)
            self.ledger.act(action, self.now)

        @rule(minutes=st.integers(1, 30))
        def be_away(self, minutes) -> None:
            since = self.now
            self.now += timedelta(minutes=minutes)
            self.ledger.blind("native", since, self.now, self.now)

        @rule()
        def restart(self) -> None:
            self.ledger.close()
            self.ledgers[0] = self.opened()
            self.scrapers[0] = watch(self.ledgers[0])

        @rule()
        def swap_replicas(self) -> None:
            self.ledgers.reverse()
            self.scrapers.reverse()

        @rule(minute=MINUTES)
        def prune(self, minute) -> None:
            """Forget signals and runs of before a time, as retention does."""
            before, now = build.at(f"01:{minute:02}"), self.now
            self.kept_from = max(self.kept_from, before)
            self.ledger.forget_signals(before, now)
            assert self.ledger.prune_signals(None, now).place is None
            assert self.ledger.prune_runs(before, None, now).place is None

        @rule()
        def remove_and_add_the_job(self) -> None:
            self.ledger.retire("nightly", self.now)
            assert not any('job_name="nightly"' in name for name in self.scrapers[0](self.now))
            self.ledger.declare("nightly", self.job, build.document, self.now)

        @precondition(lambda self: hasattr(self, "job"))
        @invariant()
        def no_counter_falls_and_replicas_agree(self) -> None:
            first, second = (of_the_ledger(scraper.page(self.now)) for scraper in self.scrapers)
            assert first == second
            found = counted_in(first)
            fallen = {
                name: (before, found.get(name))
                for name, before in self.highest.items()
                if found.get(name, -1.0) < before
            }
            assert fallen == {}
            self.highest = found

        @rule()
        def ask_somebody_new(self) -> None:
            """What was kept from the last scrape makes no difference."""
            known, new = self.scrapers[0], watch(self.ledger)
            assert of_the_ledger(known.page(self.now)) == of_the_ledger(new.page(self.now))

    return Story


@pytest.mark.slow
def test_no_counter_falls_whatever_happens_and_replicas_tell_the_same(machine):
    story = machine.TestCase
    story.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)
    story("runTest").runTest()
