import threading

import anyio
import pytest

from verifier.web.problems import HttpProblem, ProblemKind
from verifier.web.workers import Workers


def test_a_call_runs_on_another_thread_and_its_answer_comes_back():
    async def ask():
        return await Workers(1, 1).run(threading.get_ident)

    assert anyio.run(ask) != threading.get_ident()


def test_what_a_call_raises_comes_back_too():
    async def ask():
        await Workers(1, 1).run(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        anyio.run(ask)


def test_beyond_those_that_may_wait_a_call_is_refused_at_once():
    workers, release = Workers(threads=1, waiting=1), threading.Event()
    outcomes = []

    async def ask():
        outcomes.append(await workers.run(lambda: release.wait(5)))

    async def scene():
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            try:
                await ask()
            except HttpProblem as problem:
                outcomes.append(problem.kind)
            release.set()

    anyio.run(scene)
    assert outcomes == [ProblemKind.BUSY, True, True]
