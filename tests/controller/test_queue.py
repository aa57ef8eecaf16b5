from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from productionpolicy.controller import queue
from productionpolicy.controller.queue import Retry, WorkQueue
from productionpolicy.kube.workloads import WorkloadKey

Work = Callable[[WorkloadKey], Awaitable[float | None]]

WEB, API, DB = (WorkloadKey("shop", "Deployment", name) for name in ("web", "api", "db"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "FIRST_RETRY_SECONDS", 0.001)


@asynccontextmanager
async def serving(work: Work, *, workers: int = 1) -> AsyncIterator[WorkQueue[WorkloadKey]]:
    made: WorkQueue[WorkloadKey] = WorkQueue(of="workload", workers=workers)
    running = asyncio.create_task(made.run(work))
    yield made
    made.stop()
    await asyncio.wait_for(running, 5)


async def test_a_key_that_is_added_twice_is_worked_on_once() -> None:
    done: list[WorkloadKey] = []
    finished = asyncio.Event()

    async def work(key: WorkloadKey) -> None:
        done.append(key)
        if key == API:
            finished.set()

    made: WorkQueue[WorkloadKey] = WorkQueue(of="workload", workers=1)
    for key in (WEB, WEB, API):
        made.add(key)
    running = asyncio.create_task(made.run(work))
    await asyncio.wait_for(finished.wait(), 5)
    made.stop()
    await running
    assert done == [WEB, API]


async def test_fresh_changes_come_before_the_backlog() -> None:
    done: list[WorkloadKey] = []
    finished = asyncio.Event()

    async def work(key: WorkloadKey) -> None:
        done.append(key)
        if len(done) == 3:
            finished.set()

    made: WorkQueue[WorkloadKey] = WorkQueue(of="workload", workers=1)
    made.add_backlog([WEB, API])
    made.add(DB)
    running = asyncio.create_task(made.run(work))
    await asyncio.wait_for(finished.wait(), 5)
    made.stop()
    await running
    assert done == [DB, WEB, API]


@pytest.mark.parametrize("failure", [None, Retry("conflict")], ids=["due later", "failed"])
async def test_a_fresh_change_that_has_to_wait_does_not_fall_behind_the_backlog(failure: Retry | None) -> None:
    done: list[WorkloadKey] = []
    finished = asyncio.Event()

    async def work(key: WorkloadKey) -> float | None:
        done.append(key)
        if done == [DB]:
            if failure:
                raise failure
            return 0.001
        while done == [DB, WEB] and len(made) < 2:  # noqa: ASYNC110  # a queue tells nobody that a key is due again
            await asyncio.sleep(0)
        if len(done) == 4:
            finished.set()
        return None

    async with serving(work) as made:
        made.add_backlog([WEB, API])
        made.add(DB)
        await asyncio.wait_for(finished.wait(), 5)
    assert done == [DB, WEB, DB, API]


async def test_a_key_is_never_in_two_hands_and_a_change_meanwhile_is_not_lost() -> None:
    hands, most, rounds = 0, 0, 0
    again = asyncio.Event()

    async def work(_: WorkloadKey) -> None:
        nonlocal hands, most, rounds
        hands, rounds = hands + 1, rounds + 1
        most = max(most, hands)
        if rounds == 1:
            made.add(WEB)
        await asyncio.sleep(0)
        hands -= 1
        if rounds == 2:
            again.set()

    async with serving(work, workers=4) as made:
        made.add(WEB)
        await asyncio.wait_for(again.wait(), 5)
    assert (most, rounds) == (1, 2)


async def test_an_exception_is_logged_with_its_key_and_the_work_tried_again() -> None:
    tries: list[WorkloadKey] = []
    finished = asyncio.Event()

    async def work(key: WorkloadKey) -> None:
        tries.append(key)
        if len(tries) < 3:
            raise RuntimeError("odd workload")
        finished.set()

    with capture_logs() as logs:
        async with serving(work) as made:
            made.add(WEB)
            await asyncio.wait_for(finished.wait(), 5)
    assert tries == [WEB, WEB, WEB]
    assert [each["workload"] for each in logs if each["event"] == "work failed"] == ["Deployment shop/web"] * 2


async def test_the_others_are_served_while_one_fails_for_ever() -> None:
    served = asyncio.Event()

    async def work(key: WorkloadKey) -> None:
        if key == WEB:
            raise Retry("never")
        served.set()

    async with serving(work) as made:
        made.add(WEB)
        made.add(API)
        await asyncio.wait_for(served.wait(), 5)


async def test_pauses_grow_and_the_servers_wish_is_the_least() -> None:
    finished = asyncio.Event()
    tries = 0

    async def work(_: WorkloadKey) -> float | None:
        nonlocal tries
        tries += 1
        if tries == 4:
            finished.set()
            return None
        raise Retry("busy", after=0.05 if tries == 3 else 0)

    with capture_logs() as logs:
        async with serving(work) as made:
            made.add(WEB)
            await asyncio.wait_for(finished.wait(), 5)
    assert [each["reason"] for each in logs] == ["busy"] * 3
    assert logs[-1]["seconds"] == 0.1


async def test_of_several_appointments_the_soonest_counts() -> None:
    finished = asyncio.Event()

    async def work(_: WorkloadKey) -> None:
        finished.set()

    async with serving(work) as made:
        made.add_after(WEB, 3600)
        made.add_after(WEB, 0.001)
        made.add_after(WEB, 3600)
        await asyncio.wait_for(finished.wait(), 5)


async def test_what_is_due_again_is_worked_on_again() -> None:
    finished, tries = asyncio.Event(), 0

    async def work(_: WorkloadKey) -> float | None:
        nonlocal tries
        tries += 1
        if tries == 2:
            finished.set()
        return 0.001 if tries == 1 else None

    async with serving(work) as made:
        made.add(WEB)
        await asyncio.wait_for(finished.wait(), 5)


async def test_while_it_is_held_nothing_is_handed_out() -> None:
    done: list[WorkloadKey] = []
    finished = asyncio.Event()

    async def work(key: WorkloadKey) -> float | None:
        done.append(key)
        finished.set()
        return None

    async with serving(work) as made:
        with made.hold():
            made.add(WEB)
            for _ in range(10):
                await asyncio.sleep(0)
            assert done == []
        await asyncio.wait_for(finished.wait(), 5)


async def test_it_is_not_held_for_ever_by_holds_that_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "LONGEST_HOLD_SECONDS", 0.01)
    finished = asyncio.Event()

    async def work(_: WorkloadKey) -> float | None:
        finished.set()
        return None

    async with serving(work) as made:
        with made.hold():
            made.add(WEB)
            with made.hold():
                await asyncio.wait_for(finished.wait(), 5)
