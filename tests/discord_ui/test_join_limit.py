"""How often the bot comes into voice channels, and how long coming and going may take."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.audio.worker_pool import WorkerPool
from bot.discord_ui.voice import manager as voices_module
from bot.discord_ui.voice.join_checks import SERVER_MOST, SHARD_MOST, WITHIN_S, JoinLimit, TooManyJoins
from bot.discord_ui.voice.manager import NotJoined, NotLeft, VoiceManager
from bot.messages import voice as texts
from bot.messages.render import render
from tests.support.clock import FakeClock


def guild(guild_id: int, shard_id: int = 0) -> Any:  # Any: it stands in for one
    return SimpleNamespace(id=guild_id, shard_id=shard_id)


async def test_a_server_has_so_many_in_any_minute_and_takes_none_from_others() -> None:
    clock = FakeClock()
    comings = JoinLimit(clock)
    for _ in range(SERVER_MOST):
        comings.count(guild(1))
        await clock.advance(1)
    with pytest.raises(TooManyJoins):
        comings.count(guild(1))
    comings.count(guild(2))
    await clock.advance(WITHIN_S - SERVER_MOST - 1)
    with pytest.raises(TooManyJoins):
        comings.count(guild(1))
    await clock.advance(1)
    comings.count(guild(1))
    with pytest.raises(TooManyJoins):
        comings.count(guild(1))


async def test_a_shard_has_so_many_whichever_servers_they_are_in() -> None:
    clock = FakeClock()
    comings = JoinLimit(clock)
    for number in range(SHARD_MOST):
        comings.count(guild(number))
    with pytest.raises(TooManyJoins) as refused:
        comings.count(guild(999))
    assert refused.value.message == texts.too_many_joins()
    comings.count(guild(1000, shard_id=1))
    await clock.advance(WITHIN_S)
    comings.count(guild(999))


async def test_coming_and_going_wait_for_one_that_hangs_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices_module, "JOIN_WITHIN_S", 0)
    monkeypatch.setattr(voices_module, "LEAVE_WITHIN_S", 0)
    client: Any = None  # nobody is told anything
    channel: Any = SimpleNamespace(id=3, guild=guild(1), mention="<#3>")
    with WorkerPool() as pool:
        voices = VoiceManager(client, pool, FakeClock(), alone_s=60, idle_s=300)
        async with voices._locks[1]:
            with pytest.raises(NotJoined) as unjoined:
                await voices.join(lambda: channel, 4)
            with pytest.raises(NotLeft) as unleft:
                await voices.leave(1)
    assert render(unjoined.value.message) == "I couldn't get into <#3>. Please try again in a moment."
    assert render(unleft.value.message) == "I couldn't leave the voice channel just now. Please try again in a moment."
