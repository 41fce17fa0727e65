"""The limit for gateway commands: never more than it may be in any minute, by the monotonic clock."""

import asyncio
from datetime import datetime
from random import Random

from discord import gateway

from bot.discord_ui.gateway_limit import MOST, WITHIN_S, CommandLimit, limit_commands
from tests.support.clock import FakeClock


async def _send(limit: CommandLimit, clock: FakeClock, sent: list[float]) -> None:
    await limit.block()
    sent.append(clock.monotonic())


async def test_no_minute_has_more_than_it_may_and_nothing_waits_without_need() -> None:
    clock, random = FakeClock(), Random(4)
    limit, sent = CommandLimit(clock), list[float]()
    tasks = []
    for _ in range(600):
        tasks.append(asyncio.create_task(_send(limit, clock, sent)))
        await clock.advance(random.choice([0, 0, 0.1, 0.5]))
    await clock.drive(asyncio.gather(*tasks))
    in_a_minute = [sum(at <= other < at + WITHIN_S for other in sent) for at in sent]
    assert max(in_a_minute) == MOST
    assert len(sent) == 600
    assert max(sent) < 600 / MOST * WITHIN_S


async def test_a_full_minute_is_over_after_a_minute() -> None:
    clock = FakeClock()
    limit = CommandLimit(clock)
    for _ in range(MOST):
        await limit.block()
    await clock.advance(WITHIN_S - 1)
    assert limit.is_ratelimited()
    await clock.advance(1)
    assert not limit.is_ratelimited()


async def test_the_wall_clock_has_no_say() -> None:
    class StepsBack(FakeClock):
        def now(self) -> datetime:
            raise AssertionError("durations are the monotonic clock's")

    limit = CommandLimit(StepsBack())
    for _ in range(MOST):
        await limit.block()


async def test_commands_that_are_given_up_while_they_wait_hold_up_nobody() -> None:
    clock = FakeClock()
    limit = CommandLimit(clock)
    for _ in range(MOST):
        await limit.block()
    waiting = [asyncio.create_task(limit.block()) for _ in range(3)]
    await clock.advance(1)
    for each in waiting[:2]:
        each.cancel()
    await clock.advance(WITHIN_S)
    assert waiting[2].done()
    assert not waiting[2].cancelled()


def test_discord_py_uses_it_for_its_websockets() -> None:
    limit_commands(FakeClock())
    websocket = gateway.DiscordWebSocket(object(), loop=object())  # type: ignore[arg-type]
    assert isinstance(websocket._rate_limiter, CommandLimit)
