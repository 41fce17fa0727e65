"""`python -m bot health`: what a container's health check is told."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.cli.health import FRESH_S, judge
from bot.liveness import HealthPulse
from sandbox.bot_process import BotProcess
from sandbox.sandbox import Sandbox
from tests.support.trip_box import DEADLINE_S


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


async def health(box: Sandbox) -> tuple[int | None, str]:
    child = BotProcess(box.bot_process.directory, box.bot_process.settings, arguments=("-m", "bot", "health"))
    await child.start()
    await child.wait()
    assert list(child.log) == []
    return child.exit_status, "\n".join(child.output)


async def test_a_bot_that_serves_is_well_and_one_that_died_is_not(box: Sandbox) -> None:
    await box.bot_process.until_logged("ready", deadline_s=DEADLINE_S)
    assert await health(box) == (0, "The bot is connected to Discord.")
    await box.bot_process.kill()
    assert await health(box) == (1, "The bot is not running here.")


async def test_a_bot_that_cannot_reach_discord_is_not_well(box: Sandbox) -> None:
    await box.bot_process.stop()
    box.discord.gateway.identifies_left, box.discord.gateway.identifies_reset_in_s = 0, 600
    await box.bot_process.start()
    await box.bot_process.until_logged("no session starts left", deadline_s=DEADLINE_S)
    assert await health(box) == (1, "The bot is running but not connected to Discord.")


async def until_it_says(box: Sandbox, status: int, sentence: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await health(box) != (status, sentence):
            pass


async def test_a_bot_whose_heartbeats_are_not_acknowledged_is_not_well() -> None:
    box = Sandbox()
    box.discord.gateway.heartbeat_ms = 500
    async with box:
        await box.bot_process.until_logged("ready", deadline_s=DEADLINE_S)
        assert await health(box) == (0, "The bot is connected to Discord.")
        box.discord.gateway.acknowledges_heartbeats = False
        await until_it_says(box, 1, "The bot is running but not connected to Discord.")
        box.discord.gateway.acknowledges_heartbeats = True
        await until_it_says(box, 0, "The bot is connected to Discord.")


async def test_a_bot_is_not_well_between_two_sessions(box: Sandbox) -> None:
    await box.bot_process.until_logged("ready", deadline_s=DEADLINE_S)
    await box.discord.gateway.disconnect_all(forget=True)
    await box.bot_process.until_logged("session has been invalidated", deadline_s=DEADLINE_S)
    assert await health(box) == (1, "The bot is running but not connected to Discord.")
    await until_it_says(box, 0, "The bot is connected to Discord.")


@pytest.mark.parametrize(
    ("pulses", "well"),
    [
        ([], False),
        ([HealthPulse("here", 1000 - FRESH_S - 1, True)], False),
        ([HealthPulse("here", 1000 - FRESH_S, True)], True),
        ([HealthPulse("here", 1000, False)], False),
        ([HealthPulse("here", 1000, False), HealthPulse("here", 990, True)], True),
    ],
    ids=["none", "stale", "just fresh", "not connected", "one of two"],
)
def test_what_pulses_say(pulses: list[HealthPulse], well: bool) -> None:
    assert judge(pulses, now=1000)[0] is well
