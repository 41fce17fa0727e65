"""The end-to-end encryption of the sandbox's voice, with discord.py as one of its members."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.gateway.gateway import GUILD_VOICE_STATES, GUILDS
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from tests.sandbox.raw_client import RawClient
from tests.sandbox.raw_voice_client import VoiceDoor
from tests.sandbox.voice_bot import Playback, ToneSource, VoiceBot, get_call, get_group, notes

DO, RE, MI = 440.0, 620.0, 880.0
SONG = [DO, MI, RE, DO]


@pytest.fixture
async def discord_server() -> AsyncIterator[DiscordServer]:
    state = DiscordState()
    state.populate()
    async with DiscordServer(state, dave=True) as served:
        yield served


async def in_group(discord_server: DiscordServer, *people: ClientUser) -> None:
    """Wait until the bot said that it has taken in a group of exactly these."""
    wanted = frozenset(person.id for person in people)

    def settled() -> bool:
        group = get_call(discord_server.voice).group
        return group is not None and group.members == wanted and group.executed == group.transitions > 0

    await discord_server.voice.changed.until(settled, deadline_s=5, what="the group")


async def test_who_is_there_before_the_bot_hears_it(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    ben.joins_voice("Lounge")
    client = await voice_bot.join(discord_server)
    await in_group(discord_server, ada, ben)
    assert client.voice_privacy_code is not None
    await Playback(client, ToneSource(SONG)).over()
    heard = await discord_server.voice.until(lambda heard: len(heard) == len(ToneSource(SONG).packets) + 5)
    await client.disconnect()
    for person in (ada, ben):
        assert notes(heard.by(person.id), SONG) == SONG
    assert heard.flaws == ()


async def test_who_comes_later_hears_it_from_then_on_and_who_leaves_no_more(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser
) -> None:
    client = await voice_bot.join(discord_server)
    Playback(client, ToneSource(SONG * 20))
    heard = await discord_server.voice.until(lambda heard: len(heard) > 2)
    assert {packet.unheard for packet in heard.packets} == {"no listeners"}
    ada.joins_voice("Lounge")
    await discord_server.voice.until(lambda heard: len(heard.by(ada.id)) > 2)
    ben.joins_voice("Lounge")
    await discord_server.voice.until(lambda heard: len(heard.by(ben.id)) > 2)
    await in_group(discord_server, ada, ben)
    since = len(discord_server.voice.recording())
    ada.leaves_voice()
    heard = await discord_server.voice.until(lambda heard: len(heard) > 5, since=since)
    await in_group(discord_server, ben)
    assert len(heard.by(ada.id)) == 0
    assert len(heard.by(ben.id)) == len(heard)
    await client.disconnect()
    assert heard.flaws == ()


async def test_what_is_sent_before_the_group_is_formed_is_heard_by_nobody(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    discord_server.voice.faults.leave_unanswered("group")
    client = await voice_bot.join(discord_server)
    Playback(client, ToneSource(SONG * 20))
    heard = await discord_server.voice.until(lambda heard: len(heard) > 2)
    assert {packet.unheard for packet in heard.packets} == {"not encrypted"}
    discord_server.voice.admit_to_group()
    await discord_server.voice.until(lambda heard: len(heard.by(ada.id)) > 2)
    with pytest.raises(ValueError, match="does not wait"):
        discord_server.voice.admit_to_group()
    await client.disconnect()


async def test_people_come_and_go_all_at_once(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser, mo: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    client = await voice_bot.join(discord_server)
    await in_group(discord_server, ada)
    ben.joins_voice("Lounge")
    mo.joins_voice("Lounge")
    ben.leaves_voice()
    ada.leaves_voice()
    ben.joins_voice("Lounge")
    await in_group(discord_server, ben, mo)
    Playback(client, ToneSource(SONG))
    await discord_server.voice.until(lambda heard: len(heard.by(ben.id)) == len(heard.by(mo.id)) > 2)
    await client.disconnect()
    assert discord_server.voice.recording().flaws == ()


async def test_moved_and_with_a_group_made_anew_it_is_heard_still(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser, mo: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    ben.joins_voice("Other lounge")
    client = await voice_bot.join(discord_server)
    await in_group(discord_server, ada)
    Playback(client, ToneSource(SONG * 20))
    mo.moves_bot("Other lounge")
    await discord_server.voice.until(lambda heard: len(heard.by(ben.id)) > 2)
    await in_group(discord_server, ben)
    before = get_group(discord_server.voice).transitions
    discord_server.voice.renew_group()
    await discord_server.voice.changed.until(
        lambda: get_group(discord_server.voice).executed > before, deadline_s=5, what="the new group"
    )
    since = len(discord_server.voice.recording())
    await discord_server.voice.until(lambda heard: len(heard.by(ben.id)) > 5, since=since)
    await client.disconnect()
    assert discord_server.voice.recording().flaws == ()


async def test_a_stage_is_not_encrypted(voice_bot: VoiceBot, discord_server: DiscordServer) -> None:
    client = await voice_bot.join(discord_server, "Stage")
    assert get_call(discord_server.voice).group is None
    with pytest.raises(ValueError, match="not encrypted"):
        discord_server.voice.renew_group()
    await client.disconnect()


async def test_a_client_that_cannot_encrypt_is_not_let_in(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser
) -> None:
    async with RawClient(discord_server, http).gateway(intents=GUILDS | GUILD_VOICE_STATES) as events:
        door = VoiceDoor(http, events)
        await door.enter(ada.channel("Lounge"))
        async with door.open() as voice:
            await voice.identify(max_dave_protocol_version=0)
            assert await voice.close_code() == 4017


@pytest.mark.parametrize("message", [b"\x1akeys", b"\x1ccommit"], ids=["key package", "commit"])
async def test_what_is_no_mls_closes_the_connection_and_is_noted(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser, message: bytes
) -> None:
    ada.joins_voice("Lounge")
    async with RawClient(discord_server, http).gateway(intents=GUILDS | GUILD_VOICE_STATES) as events:
        door = VoiceDoor(http, events)
        await door.enter(ada.channel("Lounge"))
        async with door.open() as voice:
            await voice.connect()
            await voice.send_bytes(message)
            assert await voice.close_code() == 4020
    assert len(discord_server.voice.recording().flaws) == 1
