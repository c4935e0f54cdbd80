"""What requests bring is written together, on a real ledger and a real event loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from verifier.intake.writer import GROUP, Writer
from verifier.ledger.errors import LedgerUnavailable, UnknownJob
from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch
from verifier.runs.declaration import Declaration, Every, Surface, SurfaceKind
from verifier.runs.signal import Kind, Signal
from verifier.web.gathering import Gathering

NOW = datetime(2026, 4, 3, 2, 0, tzinfo=UTC)


class Commits:
    """How many there were, each of which waits until it is let go on."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = Event()
        self.free = Event()
        self.free.set()

    @contextmanager
    def committing(self) -> Iterator[None]:
        self.count += 1
        self.begun.set()
        assert self.free.wait(20)
        yield

    def took(self, source, kinds):
        pass

    def refused(self, source, codes):
        pass


@pytest.fixture
def commits() -> Commits:
    return Commits()


@pytest.fixture
def writer(ledger_url: str, commits: Commits) -> Iterator[Writer]:
    with Ledger.open(ledger_url, NOW) as ledger:
        declaration = Declaration(
            job="quarter",
            schedule=Every(period=timedelta(minutes=15)),
            surfaces=(Surface(name="table", kind=SurfaceKind.REPLACE),),
            finish_within=timedelta(minutes=10),
            verified_within=timedelta(hours=1),
            zombie_grace=timedelta(minutes=20),
        )
        ledger.declare("quarter", declaration, {}, NOW)
        yield Writer(ledger, lambda: NOW, watch=commits)


def said(*ids: str, job: str = "quarter") -> Batch:
    signals = [
        Signal(job=job, kind=Kind.STARTED, at=NOW, id=each, attempt=f"a-{each}") for each in ids
    ]
    return Batch(signals=signals, source="test", received_at=NOW)


async def written_after(turns: int, gathering: Gathering, batch: Batch) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return await gathering.written(batch)


async def until(event: Event) -> None:
    assert await asyncio.to_thread(event.wait, 20)


def test_what_comes_in_turn_after_turn_is_one_commit(writer, commits):
    async def ask() -> list[int]:
        gathering = Gathering(writer, asyncio.get_running_loop())
        asking = [written_after(number, gathering, said(f"{number}")) for number in range(8)]
        return await asyncio.gather(*asking, gathering.written(said("0", "9")))

    assert sum(asyncio.run(ask())) == 9
    assert commits.count == 1


def test_who_comes_while_a_commit_is_under_way_is_written_with_who_asks_again_after_it(
    writer, commits
):
    async def ask() -> None:
        gathering = Gathering(writer, asyncio.get_running_loop())

        async def twice() -> int:
            return await gathering.written(said("1")) + await gathering.written(said("2"))

        commits.free.clear()
        first = asyncio.create_task(twice())
        await until(commits.begun)
        other = asyncio.create_task(gathering.written(said("3")))
        await asyncio.sleep(0.02)
        assert commits.count == 1
        commits.free.set()
        assert await asyncio.gather(first, other) == [2, 1]

    asyncio.run(ask())
    assert commits.count == 2


def test_as_much_as_a_whole_group_does_not_wait_for_answers(writer, commits):
    async def ask() -> None:
        gathering = Gathering(writer, asyncio.get_running_loop())
        commits.free.clear()
        first = asyncio.create_task(gathering.written(said("first")))
        await until(commits.begun)
        many = gathering.written(said(*map(str, range(GROUP))))
        more = [asyncio.create_task(many), asyncio.create_task(gathering.written(said("more")))]
        await asyncio.sleep(0.02)
        assert commits.count == writer._ledger.writers
        assert writer._due
        commits.free.set()
        assert await asyncio.gather(first, *more) == [1, GROUP, 1]

    asyncio.run(ask())


def test_who_keeps_coming_does_not_keep_the_others_waiting(writer, commits):
    async def ask() -> None:
        gathering = Gathering(writer, asyncio.get_running_loop())
        first, others = asyncio.create_task(gathering.written(said("first"))), []
        while not commits.begun.is_set():
            others.append(asyncio.create_task(gathering.written(said(f"{len(others)}"))))
            await asyncio.sleep(0)
        assert await first == 1
        assert sum(await asyncio.gather(*others)) == len(others)

    asyncio.run(asyncio.wait_for(ask(), 60))


def test_what_went_wrong_is_told_to_whom_it_concerns_and_then_it_goes_on(writer, commits):
    async def ask() -> None:
        gathering = Gathering(writer, asyncio.get_running_loop())
        asking = [gathering.written(said("1")), gathering.written(said("2", job="nobody"))]
        good, bad = await asyncio.gather(*asking, return_exceptions=True)
        assert good == 1
        assert isinstance(bad, UnknownJob)
        assert await gathering.written(said("3")) == 1

    asyncio.run(ask())


def test_who_waits_is_written_though_the_loop_of_the_commit_before_has_ended(writer, commits):
    async def leave() -> None:
        task = asyncio.create_task(
            Gathering(writer, asyncio.get_running_loop()).written(said("left"))
        )
        await until(commits.begun)
        task.cancel()

    async def ask() -> int:
        gathering = Gathering(writer, asyncio.get_running_loop())
        asking = asyncio.create_task(gathering.written(said("here")))
        await asyncio.sleep(0.02)
        commits.free.set()
        return await asking

    commits.free.clear()
    asyncio.run(leave())
    assert asyncio.run(asyncio.wait_for(ask(), 60)) == 1


def test_while_the_ledger_cannot_be_used_each_one_hears_it(writer, commits, monkeypatch):
    def refuse(*_: object) -> None:
        raise LedgerUnavailable("no disk")

    monkeypatch.setattr(writer._ledger, "append_group", refuse)

    async def ask() -> list[object]:
        gathering = Gathering(writer, asyncio.get_running_loop())
        asking = [gathering.written(said(f"{number}")) for number in range(3)]
        return await asyncio.gather(*asking, return_exceptions=True)

    assert [str(each) for each in asyncio.run(ask())] == ["no disk"] * 3
