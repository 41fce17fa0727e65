"""How often the bot joins voice channels, and how long joining and leaving may take."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.audio.worker_pool import WorkerPool
from bot.discord_ui.voice import manager as manager_module
from bot.discord_ui.voice.join_checks import MAX_PER_GUILD, MAX_PER_SHARD, WINDOW_S, JoinLimit, TooManyJoins
from bot.discord_ui.voice.manager import JoinFailed, LeaveFailed, VoiceManager
from bot.messages import voice as texts
from bot.messages.render import render
from tests.support.clock import FakeClock


def guild(guild_id: int, shard_id: int = 0) -> Any:  # Any: it stands in for one
    return SimpleNamespace(id=guild_id, shard_id=shard_id)


async def test_a_guild_has_a_limit_in_any_minute_and_takes_none_from_others() -> None:
    clock = FakeClock()
    join_limit = JoinLimit(clock)
    for _ in range(MAX_PER_GUILD):
        join_limit.count(guild(1))
        await clock.advance(1)
    with pytest.raises(TooManyJoins):
        join_limit.count(guild(1))
    join_limit.count(guild(2))
    await clock.advance(WINDOW_S - MAX_PER_GUILD - 1)
    with pytest.raises(TooManyJoins):
        join_limit.count(guild(1))
    await clock.advance(1)
    join_limit.count(guild(1))
    with pytest.raises(TooManyJoins):
        join_limit.count(guild(1))


async def test_a_shard_has_a_limit_across_its_guilds() -> None:
    clock = FakeClock()
    join_limit = JoinLimit(clock)
    for number in range(MAX_PER_SHARD):
        join_limit.count(guild(number))
    with pytest.raises(TooManyJoins) as refused:
        join_limit.count(guild(999))
    assert refused.value.message == texts.too_many_joins()
    join_limit.count(guild(1000, shard_id=1))
    await clock.advance(WINDOW_S)
    join_limit.count(guild(999))


async def test_joins_and_leaves_wait_for_one_that_hangs_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager_module, "JOIN_TIMEOUT_S", 0)
    monkeypatch.setattr(manager_module, "LEAVE_TIMEOUT_S", 0)
    client: Any = None  # no notice is sent
    channel: Any = SimpleNamespace(id=3, guild=guild(1), mention="<#3>")
    with WorkerPool() as pool:
        voice_manager = VoiceManager(client, pool, FakeClock(), alone_s=60, idle_s=300)
        async with voice_manager._locks[1]:
            with pytest.raises(JoinFailed) as unjoined:
                await voice_manager.join(lambda: channel, 4)
            with pytest.raises(LeaveFailed) as unleft:
                await voice_manager.leave(1)
    assert render(unjoined.value.message) == "I couldn't join <#3>. Please try again in a moment."
    assert render(unleft.value.message) == "I couldn't leave the voice channel just now. Please try again in a moment."
