"""Answers at once: those beyond the limits wait in line, in fair order, and nobody is lost or stuck."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

import pytest

from bot import concurrency_limit as module
from bot.concurrency_limit import ConcurrencyLimiter
from bot.context import RequestContext
from bot.errors import QueueFull, QueueTimeout, ShuttingDown
from tests.support.clock import FakeClock, settle
from tests.support.requests import make_requester

ADA, BEN, CLEO = 1, 2, 3
HERE, THERE = 10, 11


def requester(member: int, channel: int = HERE) -> RequestContext:
    return make_requester(member, channel_id=channel)


class Answer:
    """An answer that enters a slot, waits until it may start, and runs until it is ended."""

    def __init__(self, limiter: ConcurrencyLimiter, who: RequestContext) -> None:
        self.told: list[int] = []
        self.started = asyncio.Event()
        self.end = asyncio.Event()
        self.waited: bool | None = None
        self.task = asyncio.create_task(self._run(limiter, who))

    async def _run(self, limiter: ConcurrencyLimiter, who: RequestContext) -> None:
        async with limiter.slot(who) as slot:
            self.waited = await slot.wait(self._tell)
            self.started.set()
            await self.end.wait()

    async def _tell(self, before: int) -> None:
        self.told.append(before)

    @property
    def runs(self) -> bool:
        return self.started.is_set() and not self.task.done()


async def answers(limiter: ConcurrencyLimiter, *who: RequestContext) -> list[Answer]:
    begun = []
    for each in who:
        begun.append(Answer(limiter, each))
        await settle()
    return begun


async def end(*ended: Answer) -> None:
    for each in ended:
        each.end.set()
    await settle()


def running(all_of_them: list[Answer]) -> list[int]:
    return [number for number, each in enumerate(all_of_them) if each.runs]


async def test_a_members_fourth_answer_waits_and_starts_when_one_ends() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=3, channel=10)
    mine = await answers(limiter, *[requester(ADA)] * 5)
    assert running(mine) == [0, 1, 2]
    assert [each.told for each in mine] == [[], [], [], [0], [1]]
    await end(mine[1])
    assert running(mine) == [0, 2, 3]
    assert (mine[0].waited, mine[3].waited) == (False, True)
    await end(*mine)
    assert (limiter.running, limiter.waiting) == (0, 0)


async def test_a_members_line_holds_up_nobody_else_in_the_channel() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=1, channel=2)
    begun = await answers(limiter, requester(ADA), requester(ADA), requester(ADA), requester(BEN), requester(CLEO))
    assert running(begun) == [0, 3]
    await end(begun[3])
    assert running(begun) == [0, 4]
    await end(begun[0])
    assert running(begun) == [1, 4]
    for each in begun:
        await end(each)
    assert limiter.running == 0


async def test_a_channel_is_served_in_the_order_people_came() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=None, channel=1)
    begun = await answers(limiter, *(requester(member) for member in range(6)))
    order = []
    while live := running(begun):
        order += live
        await end(begun[live[0]])
    assert order == [0, 1, 2, 3, 4, 5]


async def test_other_channels_and_members_have_lanes_of_their_own() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=2, channel=1)
    begun = await answers(
        limiter, requester(ADA), requester(ADA, THERE), requester(BEN), requester(BEN, THERE), requester(ADA, 12)
    )
    assert running(begun) == [0, 1]
    await end(begun[0])
    assert running(begun) == [1, 2, 4]
    await end(*begun)


async def test_a_threads_answers_count_with_its_channels() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=None, channel=1)
    in_a_thread = make_requester(BEN, channel_id=99, settings_channel_id=HERE)
    begun = await answers(limiter, requester(ADA), in_a_thread)
    assert running(begun) == [0]
    await end(*begun)


async def test_off_lets_any_number_run() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=None, channel=None)
    begun = await answers(limiter, *[requester(ADA)] * 50)
    assert running(begun) == list(range(50))
    await end(*begun)
    assert limiter.running == 0


async def test_whoever_gives_up_leaves_the_line_and_a_failure_gives_the_place_back() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=1, channel=None)
    begun = await answers(limiter, *[requester(ADA)] * 4)
    begun[1].task.cancel()
    await settle()
    begun[0].task.cancel()
    await settle()
    assert running(begun) == [2]
    begun[2].task.cancel()
    begun[3].task.cancel()
    await settle()
    assert (limiter.running, limiter.waiting) == (0, 0)


async def test_one_who_waits_is_told_when_those_before_have_halved() -> None:
    clock = FakeClock()
    limiter = ConcurrencyLimiter(clock, member=None, channel=1)
    begun = await answers(limiter, *(requester(member) for member in range(10)))
    for each in begun[:8]:
        await end(each)
        await clock.advance(module.POLL_INTERVAL_S)
    assert begun[9].told == [8, 4, 2, 1, 0]
    assert begun[9].waited is None
    await end(*begun)


async def test_one_who_is_called_sooner_than_told_learns_it() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=None, channel=2)
    begun = await answers(limiter, *(requester(member) for member in range(5)))
    await end(begun[0], begun[1], begun[2])
    assert begun[4].told == [2, 0]
    await end(*begun)


async def test_nobody_waits_longer_than_discord_would_show_the_answer() -> None:
    clock = FakeClock()
    limiter = ConcurrencyLimiter(clock, member=1, channel=None)
    begun = await answers(limiter, requester(ADA), requester(ADA))
    await clock.advance(module.MAX_WAIT_S + module.POLL_INTERVAL_S)
    with pytest.raises(QueueTimeout):
        await begun[1].task
    await end(*begun)
    assert (limiter.running, limiter.waiting) == (0, 0)


async def test_a_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUEUE_LENGTH", 2)
    limiter = ConcurrencyLimiter(FakeClock(), member=None, channel=1)
    begun = await answers(limiter, *(requester(member) for member in range(4)))
    with pytest.raises(QueueFull):
        await begun[3].task
    assert limiter.waiting == 2
    await end(*begun)


async def test_when_the_bot_stops_those_who_wait_are_told_at_once_and_the_others_go_on() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=1, channel=None)
    begun = await answers(limiter, requester(ADA), requester(ADA))
    limiter.close()
    await settle()
    with pytest.raises(ShuttingDown):
        await begun[1].task
    assert begun[0].runs
    with pytest.raises(ShuttingDown):
        await Answer(limiter, requester(BEN)).task
    await end(*begun)
    assert (limiter.running, limiter.waiting) == (0, 0)


@pytest.mark.parametrize("seed", range(20))
async def test_at_any_time_the_limits_hold_and_nobody_who_could_run_waits(seed: int) -> None:
    chance = random.Random(seed)
    member, channel = chance.choice([(2, 3), (None, 2), (1, None), (3, 1)])
    limiter = ConcurrencyLimiter(FakeClock(), member=member, channel=channel)
    who: list[RequestContext] = []
    begun: list[Answer] = []
    for _ in range(120):
        alive = [each for each in begun if not each.task.done()]
        if not alive or chance.random() < 0.6:
            who.append(requester(chance.randrange(4), chance.randrange(3)))
            begun.append(Answer(limiter, who[-1]))
        elif chance.random() < 0.3:
            chance.choice(alive).task.cancel()
        else:
            chance.choice(alive).end.set()
        await settle()
        runs = [who[number] for number in running(begun)]
        members = Counter(each.user_id for each in runs)
        channels = Counter(each.channel_id for each in runs)
        assert member is None or max(members.values(), default=0) <= member
        assert channel is None or max(channels.values(), default=0) <= channel
        for each, waiting in zip(who, begun, strict=True):
            if not waiting.task.done() and not waiting.runs:
                member_full = member is not None and members[each.user_id] >= member
                channel_full = channel is not None and channels[each.channel_id] >= channel
                assert member_full or channel_full
    for answer in begun:
        answer.task.cancel()
        with suppress(asyncio.CancelledError):
            await answer.task
    assert (limiter.running, limiter.waiting) == (0, 0)


async def test_nothing_is_kept_of_those_whose_answers_ended() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=1, channel=2)
    all_of_them = await answers(limiter, requester(ADA), requester(ADA), requester(BEN, THERE))
    assert (len(limiter._members), len(limiter._channels)) == (2, 2)
    await end(*all_of_them)
    assert (len(limiter._members), len(limiter._channels)) == (0, 0)


async def test_a_notice_on_its_way_is_sent_to_its_end_though_its_answer_is_cancelled() -> None:
    limiter = ConcurrencyLimiter(FakeClock(), member=1, channel=None)
    (first,) = await answers(limiter, requester(ADA))
    may_end, sent = asyncio.Event(), list[int]()

    async def send(before: int) -> None:
        await may_end.wait()
        sent.append(before)

    async def wait() -> None:
        async with limiter.slot(requester(ADA)) as slot:
            await slot.wait(send)

    waiting = asyncio.create_task(wait())
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (limiter.waiting, sent) == (0, [])
    may_end.set()
    await settle()
    assert sent == [0]
    await end(first)
