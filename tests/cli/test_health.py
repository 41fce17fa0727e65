"""`python -m bot health`: what a container's health check is told."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.cli.health import MAX_PULSE_AGE_S, assess
from bot.liveness import HealthPulse
from sandbox.bot_process import BotProcess
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


async def health(sandbox: Sandbox) -> tuple[int | None, str]:
    child = BotProcess(sandbox.bot_process.directory, sandbox.bot_process.settings, arguments=("-m", "bot", "health"))
    await child.start()
    await child.wait()
    assert list(child.log) == []
    return child.exit_status, "\n".join(child.output)


async def test_a_bot_that_serves_is_well_and_one_that_died_is_not(sandbox: Sandbox) -> None:
    await sandbox.bot_process.until_logged("ready", deadline_s=DEADLINE_S)
    assert await health(sandbox) == (0, "The bot is connected to Discord.")
    await sandbox.bot_process.kill()
    assert await health(sandbox) == (1, "The bot is not running here.")


async def test_a_bot_that_cannot_reach_discord_is_not_well(sandbox: Sandbox) -> None:
    await sandbox.bot_process.stop()
    sandbox.discord.gateway.identifies_left, sandbox.discord.gateway.identifies_reset_in_s = 0, 600
    await sandbox.bot_process.start()
    await sandbox.bot_process.until_logged("no session starts left", deadline_s=DEADLINE_S)
    assert await health(sandbox) == (1, "The bot is running but not connected to Discord.")


async def until_it_says(sandbox: Sandbox, status: int, sentence: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await health(sandbox) != (status, sentence):
            pass


async def test_a_bot_whose_heartbeats_are_not_acknowledged_is_not_well() -> None:
    sandbox = Sandbox()
    sandbox.discord.gateway.heartbeat_ms = 500
    async with sandbox:
        await sandbox.bot_process.until_logged("ready", deadline_s=DEADLINE_S)
        assert await health(sandbox) == (0, "The bot is connected to Discord.")
        sandbox.discord.gateway.acknowledges_heartbeats = False
        await until_it_says(sandbox, 1, "The bot is running but not connected to Discord.")
        sandbox.discord.gateway.acknowledges_heartbeats = True
        await until_it_says(sandbox, 0, "The bot is connected to Discord.")


async def test_a_bot_is_not_well_between_two_sessions(sandbox: Sandbox) -> None:
    await sandbox.bot_process.until_logged("ready", deadline_s=DEADLINE_S)
    await sandbox.discord.gateway.disconnect_all(forget=True)
    await sandbox.bot_process.until_logged("session has been invalidated", deadline_s=DEADLINE_S)
    assert await health(sandbox) == (1, "The bot is running but not connected to Discord.")
    await until_it_says(sandbox, 0, "The bot is connected to Discord.")


@pytest.mark.parametrize(
    ("pulses", "well"),
    [
        ([], False),
        ([HealthPulse("here", 1000 - MAX_PULSE_AGE_S - 1, True)], False),
        ([HealthPulse("here", 1000 - MAX_PULSE_AGE_S, True)], True),
        ([HealthPulse("here", 1000, False)], False),
        ([HealthPulse("here", 1000, False), HealthPulse("here", 990, True)], True),
    ],
    ids=["none", "stale", "just fresh", "not connected", "one of two"],
)
def test_what_pulses_say(pulses: list[HealthPulse], well: bool) -> None:
    assert assess(pulses, now=1000)[0] is well
