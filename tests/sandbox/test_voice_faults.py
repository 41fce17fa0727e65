"""What goes wrong with the stand-in's voice on request, and what discord.py makes of it."""

import discord
import pytest

from sandbox.client.user import Person
from sandbox.discord.server import DiscordStandIn
from tests.sandbox.voice_bot import Performance, Singer, Song

LONG = [440.0] * 12


@pytest.fixture(autouse=True)
def listening(ada: Person) -> None:
    ada.joins_voice("Lounge")


async def sings(singer: Singer, standin: DiscordStandIn) -> tuple[discord.VoiceClient, Song, Performance]:
    """A song under way."""
    client, song = await singer.join(standin), Song(LONG)
    since = len(standin.voice.heard())
    performance = Performance(client, song)
    await standin.voice.until(lambda heard: len(heard) > 3, since=since)
    return client, song, performance


@pytest.mark.parametrize("fault", [1000, 4006, 4009, 4017, 4021, "cut"])
async def test_a_lost_connection_ends_the_song_and_another_may_follow(
    singer: Singer, standin: DiscordStandIn, ada: Person, fault: int | str
):
    client, song, performance = await sings(singer, standin)
    if isinstance(fault, int):
        standin.voice.end(fault)
    else:
        standin.voice.cut()
    await performance.over()
    assert song.packets
    assert not client.is_connected()
    again, song, _ = await sings(singer, standin)
    assert len({packet.call for packet in standin.voice.heard().packets}) == 2
    await again.disconnect()


@pytest.mark.parametrize("code", [4014, 4015])
async def test_a_connection_that_may_come_back_leaves_the_bot_where_it_is(
    singer: Singer, standin: DiscordStandIn, ada: Person, code: int
):
    client, _, _ = await sings(singer, standin)
    standin.voice.end(code)
    await standin.voice.until(lambda _: standin.voice.call() is None or not standin.voice.call().connected)
    assert (standin.voice.call() is None) == (code == 4014)
    assert standin.world.bot.id in ada.guild.voice_states
    await client.disconnect(force=True)


@pytest.mark.parametrize("code", [4006, 4014, 4017])
async def test_connections_are_refused_as_often_as_was_asked_for(singer: Singer, standin: DiscordStandIn, code: int):
    standin.voice.faults.refuse(code, times=2)
    for _ in range(2):
        with pytest.raises(discord.ConnectionClosed) as refused:
            await singer.join(standin)
        assert refused.value.code == code
    await (await singer.join(standin)).disconnect()


@pytest.mark.parametrize("silent", ["gateway", "server update", "websocket"])
async def test_what_does_not_answer_is_waited_for_in_vain(singer: Singer, standin: DiscordStandIn, silent: str):
    standin.voice.faults.hush(silent)
    with pytest.raises(TimeoutError):
        await singer.join(standin, timeout=0.2)
    await (await singer.join(standin)).disconnect()


async def test_a_udp_that_loses_everything_lets_nobody_in(singer: Singer, standin: DiscordStandIn):
    standin.voice.faults.losing = True
    with pytest.raises(TimeoutError):
        await singer.join(standin, timeout=0.2)
    standin.voice.faults.clear()
    await (await singer.join(standin)).disconnect()


async def test_another_server_takes_over_without_a_packet_lost(singer: Singer, standin: DiscordStandIn, ada: Person):
    client, _, performance = await sings(singer, standin)
    old = client.endpoint
    await standin.voice.moves_server()
    await performance.over()
    assert client.endpoint == standin.voice.server.endpoint != old
    heard = await standin.voice.until(lambda heard: heard.packets[-1].silent)
    assert len(heard.speech) == len(Song(LONG).packets)
    assert [run.packets[0].call for run in heard.spurts()] == [1, 2]
    await client.disconnect()


async def test_a_dead_udp_is_not_noticed_and_heard_by_nobody(singer: Singer, standin: DiscordStandIn, ada: Person):
    client, song, performance = await sings(singer, standin)
    standin.voice.faults.losing = True
    heard = await standin.voice.until(lambda heard: heard.packets[-1].unheard == "lost on the way")
    standin.voice.close_udp()
    await performance.over()
    assert song.packets == []
    assert client.is_connected()
    assert 0 < len(heard.by(ada.id)) < len(heard)
    await standin.voice.open_udp()
    standin.voice.faults.clear()
    since = len(standin.voice.heard())
    Performance(client, Song(LONG))
    await standin.voice.until(lambda heard: len(heard.by(ada.id)) > 2, since=since)
    await client.disconnect()


async def test_faults_of_a_connection_need_one(standin: DiscordStandIn):
    for fault in (standin.voice.cut, lambda: standin.voice.end(4006)):
        with pytest.raises(ValueError, match="no voice connection"):
            fault()
    with pytest.raises(ValueError, match="no voice channel"):
        await standin.voice.moves_server()
