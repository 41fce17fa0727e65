"""What is deleted in the sandbox, who may delete it, and which events the bot gets."""

import aiohttp
import pytest

from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.gateway.gateway import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS
from sandbox.discord.server import DiscordServer
from tests.sandbox.raw_client import RawClient

HEARS_ALL = GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES


@pytest.fixture
def raw(discord_server: DiscordServer, http: aiohttp.ClientSession) -> RawClient:
    return RawClient(discord_server, http)


async def test_members_delete_their_own_messages_and_moderators_everyones(
    raw: RawClient, ada: ClientUser, mo: ClientUser
) -> None:
    first, second = await ada.says("one"), await ada.says("two")
    async with raw.gateway(intents=HEARS_ALL) as events:
        ada.deletes(first)
        mo.deletes(second)
        for message in (first, second):
            told = await events.next("MESSAGE_DELETE")
            assert told == {
                "id": str(message.id),
                "channel_id": str(message.channel_id),
                "guild_id": str(ada.guild.id),
            }
    assert ada.sees() == []


async def test_others_messages_stay(
    ada: ClientUser, ben: ClientUser, mo: ClientUser, discord_server: DiscordServer
) -> None:
    message = await ada.says("mine")
    with pytest.raises(ClientRejected):
        ben.deletes(message)
    with pytest.raises(ClientRejected):
        ben.deletes_together(message, message)
    with pytest.raises(ValueError, match="2 to 100"):
        mo.deletes_together(message)
    assert ada.sees() == [message]


async def test_several_go_in_one_event_that_needs_the_intent(raw: RawClient, ada: ClientUser, mo: ClientUser) -> None:
    messages = [await ada.says(text) for text in ("one", "two", "three")]
    async with raw.gateway(intents=GUILDS) as deaf, raw.gateway(intents=GUILD_MESSAGES) as events:
        mo.deletes_together(*messages[:2])
        told = await events.next("MESSAGE_DELETE_BULK")
        assert told["ids"] == [str(message.id) for message in messages[:2]]
        mo.deletes_channel("#random")
        assert (await deaf.next("CHANNEL_DELETE"))["name"] == "random"
    assert ada.sees() == messages[2:]


async def test_a_channel_takes_its_threads_with_it(raw: RawClient, ada: ClientUser, mo: ClientUser) -> None:
    general, thread = ada.channel("#general"), ada.channel("a thread")
    with pytest.raises(ClientRejected):
        ada.deletes_channel(thread)
    async with raw.gateway() as events:
        mo.deletes_channel(general)
        assert (await events.next("CHANNEL_DELETE"))["id"] == str(general.id)
    for gone in (general, thread):
        status, answer = await raw.call("GET", f"channels/{gone.id}")
        assert (status, answer["code"]) == (404, 10003)


async def test_a_thread_goes_alone(raw: RawClient, ada: ClientUser, mo: ClientUser) -> None:
    general, thread = ada.channel("#general"), ada.channel("a thread")
    async with raw.gateway() as events:
        mo.deletes_channel(thread)
        told = await events.next("THREAD_DELETE")
    assert told == {
        "id": str(thread.id),
        "guild_id": str(ada.guild.id),
        "parent_id": str(general.id),
        "type": 11,
    }
    assert (await raw.call("GET", f"channels/{general.id}"))[0] == 200


async def test_a_bot_that_was_removed_hears_nothing_and_reaches_nothing(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer
) -> None:
    async with raw.gateway(intents=HEARS_ALL) as events:
        discord_server.deletions.bot(ada.guild)
        assert await events.next("GUILD_DELETE") == {"id": str(ada.guild.id)}
        await ada.says("unheard")
        assert (await raw.call("GET", f"channels/{ada.channel().id}"))[1]["code"] == 50001
        assert (await raw.call("GET", f"guilds/{ada.guild.id}"))[1]["code"] == 10004
        discord_server.deletions.readd_bot(ada.guild)
        assert (await events.next("GUILD_CREATE"))["id"] == str(ada.guild.id)
        assert [event.name for event in discord_server.traffic_log.events if event.name == "MESSAGE_CREATE"] == []


async def test_a_guild_with_an_outage_is_listed_but_does_not_come(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer
) -> None:
    discord_server.deletions.outage(ada.guild)
    before = discord_server.traffic_log.number
    async with raw.gateway() as events:
        (ready,) = [e.data for e in discord_server.traffic_log.events if e.name == "READY" and e.number > before]
        assert ready["guilds"] == [{"id": str(ada.guild.id), "unavailable": True}]
        assert not [e for e in discord_server.traffic_log.events if e.name == "GUILD_CREATE" and e.number > before]
        with pytest.raises(ClientRejected):
            await ada.command("/anything", force=True)
        discord_server.deletions.end_outage(ada.guild)
        assert (await events.next("GUILD_CREATE"))["unavailable"] is False
