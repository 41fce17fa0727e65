"""What goes wrong with the sandbox's voice on request, and what discord.py makes of it."""

from functools import partial

import discord
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.server import DiscordServer
from sandbox.discord.voice.faults import Unanswered
from tests.sandbox.voice_bot import Playback, ToneSource, VoiceBot

LONG = [440.0] * 12


@pytest.fixture(autouse=True)
def listening(ada: ClientUser) -> None:
    ada.joins_voice("Lounge")


async def sings(voice_bot: VoiceBot, discord_server: DiscordServer) -> tuple[discord.VoiceClient, ToneSource, Playback]:
    """A song under way."""
    client, song = await voice_bot.join(discord_server), ToneSource(LONG)
    since = len(discord_server.voice.recording())
    performance = Playback(client, song)
    await discord_server.voice.until(lambda heard: len(heard) > 3, since=since)
    return client, song, performance


@pytest.mark.parametrize("fault", [1000, 4006, 4009, 4017, 4021, "cut"])
async def test_a_lost_connection_ends_the_song_and_another_may_follow(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, fault: int | str
) -> None:
    client, song, performance = await sings(voice_bot, discord_server)
    if isinstance(fault, int):
        discord_server.voice.end(fault)
    else:
        discord_server.voice.abort()
    await performance.over()
    assert song.packets
    assert not client.is_connected()
    again, song, _ = await sings(voice_bot, discord_server)
    assert len({packet.call for packet in discord_server.voice.recording().packets}) == 2
    await again.disconnect()


@pytest.mark.parametrize("code", [4014, 4015])
async def test_a_connection_that_may_come_back_leaves_the_bot_where_it_is(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, code: int
) -> None:
    client, _, _ = await sings(voice_bot, discord_server)
    discord_server.voice.end(code)
    await discord_server.voice.until(lambda _: (call := discord_server.voice.call()) is None or not call.connected)
    assert (discord_server.voice.call() is None) == (code == 4014)
    assert discord_server.state.bot.id in ada.guild.voice_states
    await client.disconnect(force=True)


@pytest.mark.parametrize("code", [4006, 4014, 4017])
async def test_connections_are_refused_as_often_as_was_asked_for(
    voice_bot: VoiceBot, discord_server: DiscordServer, code: int
) -> None:
    discord_server.voice.faults.close_next(code, times=2)
    for _ in range(2):
        with pytest.raises(discord.ConnectionClosed) as refused:
            await voice_bot.join(discord_server)
        assert refused.value.code == code
    await (await voice_bot.join(discord_server)).disconnect()


@pytest.mark.parametrize("silent", ["gateway", "server update", "websocket"])
async def test_what_does_not_answer_is_waited_for_in_vain(
    voice_bot: VoiceBot, discord_server: DiscordServer, silent: Unanswered
) -> None:
    discord_server.voice.faults.leave_unanswered(silent)
    with pytest.raises(TimeoutError):
        await voice_bot.join(discord_server, timeout=0.2)
    await (await voice_bot.join(discord_server)).disconnect()


async def test_a_udp_that_loses_everything_lets_nobody_in(voice_bot: VoiceBot, discord_server: DiscordServer) -> None:
    discord_server.voice.faults.losing = True
    with pytest.raises(TimeoutError):
        await voice_bot.join(discord_server, timeout=0.2)
    discord_server.voice.faults.clear()
    await (await voice_bot.join(discord_server)).disconnect()


async def test_another_server_takes_over_and_only_late_packets_are_lost(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser
) -> None:
    client, _, performance = await sings(voice_bot, discord_server)
    old = client.endpoint
    await discord_server.voice.relocate_server()
    await performance.over()
    assert client.endpoint == discord_server.voice.server.endpoint != old
    heard = await discord_server.voice.until(lambda heard: heard.packets[-1].silent)
    # The player's thread sends to the old call until the client has heard of its end.
    assert len(heard.speech) + discord_server.voice.server.late_packets == len(ToneSource(LONG).packets)
    assert [run.packets[0].call for run in heard.spurts()] == [1, 2]
    await client.disconnect()


async def test_a_dead_udp_is_not_noticed_and_heard_by_nobody(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser
) -> None:
    client, song, performance = await sings(voice_bot, discord_server)
    discord_server.voice.faults.losing = True
    heard = await discord_server.voice.until(lambda heard: heard.packets[-1].unheard == "lost on the way")
    discord_server.voice.close_udp()
    await performance.over()
    assert song.packets == []
    assert client.is_connected()
    assert 0 < len(heard.by(ada.id)) < len(heard)
    await discord_server.voice.open_udp()
    discord_server.voice.faults.clear()
    since = len(discord_server.voice.recording())
    Playback(client, ToneSource(LONG))
    await discord_server.voice.until(lambda heard: len(heard.by(ada.id)) > 2, since=since)
    await client.disconnect()


async def test_faults_of_a_connection_need_one(discord_server: DiscordServer) -> None:
    for fault in (discord_server.voice.abort, partial(discord_server.voice.end, 4006)):
        with pytest.raises(ValueError, match="no voice connection"):
            fault()
    with pytest.raises(ValueError, match="no voice channel"):
        await discord_server.voice.relocate_server()
