"""The end-to-end encryption of the stand-in's voice, with discord.py as one of its members."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.user import Person
from sandbox.discord.gateway.gateway import GUILD_VOICE_STATES, GUILDS
from sandbox.discord.server import DiscordStandIn
from sandbox.discord.state import World
from tests.sandbox.raw_client import BareBot
from tests.sandbox.raw_voice_client import VoiceDoor
from tests.sandbox.voice_bot import Performance, Singer, Song, notes

DO, RE, MI = 440.0, 620.0, 880.0
SONG = [DO, MI, RE, DO]


@pytest.fixture
async def standin() -> AsyncIterator[DiscordStandIn]:
    world = World()
    world.populate()
    async with DiscordStandIn(world, dave=True) as served:
        yield served


async def in_group(standin: DiscordStandIn, *people: Person) -> None:
    """Wait until the bot said that it has taken in a group of exactly these."""
    wanted = frozenset(person.id for person in people)

    def settled() -> bool:
        group = standin.voice.call().group
        return group is not None and group.members == wanted and group.executed == group.transitions > 0

    await standin.voice.bell.until(settled, deadline_s=5, what="the group")


async def test_who_is_there_before_the_bot_hears_it(singer: Singer, standin: DiscordStandIn, ada: Person, ben: Person):
    ada.joins_voice("Lounge")
    ben.joins_voice("Lounge")
    client = await singer.join(standin)
    await in_group(standin, ada, ben)
    assert client.voice_privacy_code is not None
    await Performance(client, Song(SONG)).over()
    heard = await standin.voice.until(lambda heard: len(heard) == len(Song(SONG).packets) + 5)
    await client.disconnect()
    for person in (ada, ben):
        assert notes(heard.by(person.id), SONG) == SONG
    assert heard.flaws == ()


async def test_who_comes_later_hears_it_from_then_on_and_who_leaves_no_more(
    singer: Singer, standin: DiscordStandIn, ada: Person, ben: Person
):
    client = await singer.join(standin)
    Performance(client, Song(SONG * 20))
    heard = await standin.voice.until(lambda heard: len(heard) > 2)
    assert {packet.unheard for packet in heard.packets} == {"nobody there"}
    ada.joins_voice("Lounge")
    await standin.voice.until(lambda heard: len(heard.by(ada.id)) > 2)
    ben.joins_voice("Lounge")
    await standin.voice.until(lambda heard: len(heard.by(ben.id)) > 2)
    await in_group(standin, ada, ben)
    since = len(standin.voice.heard())
    ada.leaves_voice()
    heard = await standin.voice.until(lambda heard: len(heard) > 5, since=since)
    await in_group(standin, ben)
    assert len(heard.by(ada.id)) == 0
    assert len(heard.by(ben.id)) == len(heard)
    await client.disconnect()
    assert heard.flaws == ()


async def test_what_is_sent_before_the_group_is_formed_is_heard_by_nobody(
    singer: Singer, standin: DiscordStandIn, ada: Person
):
    ada.joins_voice("Lounge")
    standin.voice.faults.hush("group")
    client = await singer.join(standin)
    Performance(client, Song(SONG * 20))
    heard = await standin.voice.until(lambda heard: len(heard) > 2)
    assert {packet.unheard for packet in heard.packets} == {"not encrypted"}
    standin.voice.lets_into_group()
    await standin.voice.until(lambda heard: len(heard.by(ada.id)) > 2)
    with pytest.raises(ValueError, match="does not wait"):
        standin.voice.lets_into_group()
    await client.disconnect()


async def test_people_come_and_go_all_at_once(
    singer: Singer, standin: DiscordStandIn, ada: Person, ben: Person, mo: Person
):
    ada.joins_voice("Lounge")
    client = await singer.join(standin)
    await in_group(standin, ada)
    ben.joins_voice("Lounge")
    mo.joins_voice("Lounge")
    ben.leaves_voice()
    ada.leaves_voice()
    ben.joins_voice("Lounge")
    await in_group(standin, ben, mo)
    Performance(client, Song(SONG))
    await standin.voice.until(lambda heard: len(heard.by(ben.id)) == len(heard.by(mo.id)) > 2)
    await client.disconnect()
    assert standin.voice.heard().flaws == ()


async def test_moved_and_with_a_group_made_anew_it_is_heard_still(
    singer: Singer, standin: DiscordStandIn, ada: Person, ben: Person, mo: Person
):
    ada.joins_voice("Lounge")
    ben.joins_voice("Other lounge")
    client = await singer.join(standin)
    await in_group(standin, ada)
    Performance(client, Song(SONG * 20))
    mo.moves_bot("Other lounge")
    await standin.voice.until(lambda heard: len(heard.by(ben.id)) > 2)
    await in_group(standin, ben)
    before = standin.voice.call().group.transitions
    standin.voice.renews_group()
    await standin.voice.bell.until(
        lambda: standin.voice.call().group.executed > before, deadline_s=5, what="the new group"
    )
    since = len(standin.voice.heard())
    await standin.voice.until(lambda heard: len(heard.by(ben.id)) > 5, since=since)
    await client.disconnect()
    assert standin.voice.heard().flaws == ()


async def test_a_stage_is_not_encrypted(singer: Singer, standin: DiscordStandIn):
    client = await singer.join(standin, "Stage")
    assert standin.voice.call().group is None
    with pytest.raises(ValueError, match="not encrypted"):
        standin.voice.renews_group()
    await client.disconnect()


async def test_a_client_that_cannot_encrypt_is_not_let_in(
    standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person
):
    async with BareBot(standin, http).gateway(intents=GUILDS | GUILD_VOICE_STATES) as events:
        door = VoiceDoor(http, events)
        await door.enter(ada.place("Lounge"))
        async with door.open() as voice:
            await voice.identify(max_dave_protocol_version=0)
            assert await voice.close_code() == 4017


@pytest.mark.parametrize("message", [b"\x1akeys", b"\x1ccommit"], ids=["key package", "commit"])
async def test_what_is_no_mls_closes_the_connection_and_is_noted(
    standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person, message: bytes
):
    ada.joins_voice("Lounge")
    async with BareBot(standin, http).gateway(intents=GUILDS | GUILD_VOICE_STATES) as events:
        door = VoiceDoor(http, events)
        await door.enter(ada.place("Lounge"))
        async with door.open() as voice:
            await voice.connect()
            await voice.send_bytes(message)
            assert await voice.close_code() == 4020
    assert len(standin.voice.heard().flaws) == 1
