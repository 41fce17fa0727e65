"""A concurrency limit that is fair among owners."""

import asyncio

import pytest

from bot.workers.pool import MAX_WAITING, MAX_WAITING_PER_OWNER, FairLimit, LimitFull


class Blocks:
    """Blocks of owners under one limit, which run until they are let go."""

    def __init__(self, limit: FairLimit) -> None:
        self.limit = limit
        self.running: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def begin(self, *names: str) -> None:
        """Begin blocks; an owner is a name's first letter."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._block(name))
        await settle()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self.tasks[name]
        await settle()

    async def _block(self, name: str) -> None:
        async with self.limit.slot(name[0]):
            self.running.append(name)
            await self._ends[name].wait()
            self.running.remove(name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_owner_with_many_holds_one_place_and_the_others_pass() -> None:
    blocks = Blocks(FairLimit(2))
    await blocks.begin("a1", "a2", "a3", "b1")
    assert blocks.running == ["a1", "b1"]
    await blocks.begin("c1")
    await blocks.end("b1")
    assert blocks.running == ["a1", "c1"]
    await blocks.end("c1")
    assert blocks.running == ["a1"]
    await blocks.end("a1")
    assert blocks.running == ["a2"]


async def test_free_places_go_round_among_those_who_wait() -> None:
    blocks = Blocks(FairLimit(1))
    await blocks.begin("a1", "a2", "a3", "b1", "c1")
    order = []
    while blocks.running:
        order += blocks.running
        await blocks.end(order[-1])
    assert order == ["a1", "a2", "b1", "c1", "a3"]


async def test_who_is_cancelled_while_waiting_leaves_the_line() -> None:
    blocks = Blocks(FairLimit(1))
    await blocks.begin("a1", "b1", "c1")
    blocks.tasks["b1"].cancel()
    await blocks.end("a1")
    assert blocks.running == ["c1"]
    await blocks.end("c1")
    await blocks.begin("d1")
    assert blocks.running == ["d1"]


async def test_a_place_given_to_who_is_cancelled_in_the_same_moment_goes_on() -> None:
    blocks = Blocks(FairLimit(1))
    async with blocks.limit.slot("a"):
        await blocks.begin("b1", "c1")
    blocks.tasks["b1"].cancel()  # the place is b's by now, who has not run since
    await settle()
    assert blocks.running == ["c1"]


async def test_the_line_is_bounded_for_each_owner_and_for_all() -> None:
    limit = FairLimit(1)
    blocks = Blocks(limit)
    await blocks.begin("a0", *(f"b{number}" for number in range(MAX_WAITING_PER_OWNER)))
    with pytest.raises(LimitFull):
        async with limit.slot("b"):
            pass
    owners = [chr(ord("c") + number) for number in range(MAX_WAITING // MAX_WAITING_PER_OWNER - 1)]
    await blocks.begin(*(f"{owner}{number}" for owner in owners for number in range(MAX_WAITING_PER_OWNER)))
    with pytest.raises(LimitFull):
        async with limit.slot("z"):
            pass
    for task in blocks.tasks.values():
        task.cancel()
    await asyncio.wait(blocks.tasks.values())
    async with limit.slot("z"):
        pass
