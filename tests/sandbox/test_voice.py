"""The sandbox's voice side, with the real discord.py in it."""

import asyncio
from pathlib import Path

import aiohttp
import discord
import pytest

from sandbox.bot_process import BotProcess
from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.gateway.gateway import GUILD_VOICE_STATES, GUILDS
from sandbox.discord.permissions import Permission
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.tls import write_trusted_authorities
from tests.sandbox.echo_bot import running
from tests.sandbox.raw_client import RawClient
from tests.sandbox.voice_bot import ToneSource, VoiceBot, notes
from tests.support.openapi import OpenApi

DO, RE, MI, FA = 440.0, 620.0, 880.0, 1240.0
SCALE = (DO, RE, MI, FA)
VOICE = GUILDS | GUILD_VOICE_STATES


@pytest.fixture
def raw(discord_server: DiscordServer, http: aiohttp.ClientSession) -> RawClient:
    return RawClient(discord_server, http)


async def test_what_is_sung_is_heard_whole_and_in_order(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser, tmp_path: Path
) -> None:
    ada.joins_voice("Lounge")
    ben.joins_voice("Other lounge")
    client = await voice_bot.join(discord_server)
    song = ToneSource([DO, MI, RE, FA])
    count = len(song.packets)
    client.play(song)
    heard = await discord_server.voice.until(lambda heard: len(heard) == count + 5)
    await client.disconnect()
    assert notes(heard.by(ada.id), SCALE) == [DO, MI, RE, FA]
    assert len(heard.by(ben.id)) == 0
    assert heard.flaws == ()
    assert heard.lost == 0
    assert len(heard.spurts()) == 1
    assert heard.save(tmp_path / "heard.wav") == pytest.approx(heard.seconds, abs=0.1)


async def test_moved_it_sings_on_where_it_is_now(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser, mo: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    ben.joins_voice("Other lounge")
    client = await voice_bot.join(discord_server)
    client.play(ToneSource([DO, RE] * 20))
    await discord_server.voice.until(lambda heard: len(heard) > 5)
    mo.moves_bot("Other lounge")
    heard = await discord_server.voice.until(lambda heard: len(heard.by(ben.id)) > 20)
    assert client.channel.name == "Other lounge"
    assert len({packet.call for packet in heard.packets}) == 2
    assert heard.flaws == ()
    await client.disconnect()


async def test_kicked_or_with_its_channel_gone_it_is_out(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser, mo: ClientUser
) -> None:
    loop = asyncio.get_running_loop()
    for end in (mo.kicks_bot, lambda: mo.deletes_channel("Lounge")):
        ended = asyncio.Event()
        client = await voice_bot.join(discord_server)

        def after(_: Exception | None, ended: asyncio.Event = ended) -> None:
            loop.call_soon_threadsafe(ended.set)

        client.play(ToneSource([DO] * 50), after=after)
        end()
        await asyncio.wait_for(ended.wait(), 5)
        assert discord_server.voice.call() is None
        assert not client.is_connected()
    assert ada.guild.voice_states == {}


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("Small room", 0), ("Lounge", Permission.CONNECT), ("Lounge", Permission.VIEW_CHANNEL)],
    ids=["full", "no Connect", "no View Channel"],
)
async def test_where_it_may_not_enter_nothing_is_answered(
    raw: RawClient, discord_server: DiscordServer, ada: ClientUser, name: str, lacking: int
) -> None:
    state = discord_server.state
    ada.joins_voice("Small room")
    state.overwrite(ada.channel(name), ada.guild.members[state.bot.id], deny=lacking)
    async with raw.gateway(intents=VOICE) as events:
        await events.next("GUILD_CREATE")
        await events.enter_voice(ada.channel(name))
        await events.leave_voice(ada.guild)
        await events.enter_voice(ada.channel("Other lounge"))
        assert (await events.anything())["d"]["channel_id"] == str(ada.channel("Other lounge").id)


async def test_it_may_enter_a_full_channel_when_it_may_move_members(
    raw: RawClient, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser
) -> None:
    ada.joins_voice("Small room")
    with pytest.raises(ClientRejected):
        ben.joins_voice("Small room")
    bot = ada.guild.members[discord_server.state.bot.id]
    discord_server.state.overwrite(ada.channel("Small room"), bot, allow=Permission.MOVE_MEMBERS)
    async with raw.gateway(intents=VOICE) as events:
        await events.enter_voice(ada.channel("Small room"))
        await events.next("VOICE_SERVER_UPDATE")


async def test_its_state_comes_first_and_then_the_server_and_others_states_are_told_of(
    raw: RawClient, discord_server: DiscordServer, ada: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    described = OpenApi.beside_the_checkout()
    async with raw.gateway(intents=VOICE) as events:
        guild = await events.next("GUILD_CREATE")
        assert [state["user_id"] for state in guild["voice_states"]] == [str(ada.id)]
        assert str(ada.id) in [member["user"]["id"] for member in guild["members"]]
        kinds = {channel["type"]: channel for channel in guild["channels"]}
        assert [described.differences("GuildChannelResponse", kinds[kind]) for kind in (2, 13)] == [[], []]
        await events.enter_voice(ada.channel("Lounge"))
        state, server = await events.anything(), await events.anything()
        assert (state["t"], server["t"]) == ("VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE")
        assert described.differences("VoiceStateResponse", state["d"]) == []
        assert server["d"].keys() == {"token", "guild_id", "endpoint"}
        ada.leaves_voice()
        gone = await events.next("VOICE_STATE_UPDATE")
        assert (gone["user_id"], gone["channel_id"]) == (str(ada.id), None)
        assert described.differences("VoiceStateResponse", gone) == []


async def test_without_the_intent_nobody_is_seen_in_voice(
    raw: RawClient, discord_server: DiscordServer, ada: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    async with raw.gateway(intents=GUILDS) as events:
        assert (await events.next("GUILD_CREATE"))["voice_states"] == []
        ada.leaves_voice()
        ada.joins_voice("Other lounge")
        ada.leaves_voice()
    assert [event for event in discord_server.traffic_log.events if event.name == "VOICE_STATE_UPDATE"] == []


async def test_on_a_stage_it_is_heard_once_it_may_speak(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser
) -> None:
    ada.joins_voice("Stage")
    stage, me = ada.channel("Stage"), ada.guild.members[discord_server.state.bot.id]
    client = await voice_bot.join(discord_server, "Stage")
    client.play(ToneSource([DO] * 30))
    assert (await discord_server.voice.until(lambda heard: len(heard) > 2)).packets[0].unheard == "may not speak"
    with pytest.raises(discord.Forbidden):
        await client.guild.me.edit(suppress=False)
    discord_server.state.overwrite(stage, me, allow=Permission.MUTE_MEMBERS)
    await client.guild.me.edit(suppress=False)
    await discord_server.voice.until(lambda heard: len(heard.by(ada.id)) > 2)
    await client.disconnect()
    assert OpenApi.beside_the_checkout().complaints(discord_server.traffic_log.requests) == []


async def test_without_the_right_to_speak_it_is_not_heard(
    voice_bot: VoiceBot, discord_server: DiscordServer, ada: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    me = ada.guild.members[discord_server.state.bot.id]
    discord_server.state.overwrite(ada.channel("Lounge"), me, deny=Permission.SPEAK)
    client = await voice_bot.join(discord_server)
    assert client.guild.me.voice is not None
    assert client.guild.me.voice.suppress
    client.play(ToneSource([DO] * 30))
    heard = await discord_server.voice.until(lambda heard: len(heard) > 2)
    assert {packet.unheard for packet in heard.packets} == {"may not speak"}
    discord_server.state.overwrite(ada.channel("Lounge"), me)
    await discord_server.voice.until(lambda heard: len(heard.by(ada.id)) > 2)
    await client.disconnect()


async def test_it_is_gone_from_voice_with_its_session(
    raw: RawClient, discord_server: DiscordServer, ada: ClientUser
) -> None:
    async with raw.gateway(intents=VOICE) as events:
        await events.enter_voice(ada.channel("Lounge"))
        await events.next("VOICE_SERVER_UPDATE")
        await discord_server.gateway.disconnect_all(forget=True)
    assert ada.guild.voice_states == {}
    assert discord_server.voice.call() is None


async def test_nothing_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = asyncio.all_tasks()
    state = DiscordState()
    state.populate()
    async with DiscordServer(state) as discord_server:
        bot = VoiceBot()
        async with running(bot, discord_server, monkeypatch):
            client = await bot.join(discord_server)
            client.play(ToneSource([DO]))
            await discord_server.voice.until(lambda heard: len(heard) > 3)
            endpoint = discord_server.voice.server.endpoint
    assert asyncio.all_tasks() == before
    host, port = endpoint.split(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_a_world_without_voice_does_not_answer(ada: ClientUser) -> None:
    state = DiscordState()
    state.populate()
    async with (
        DiscordServer(state, voice=False) as discord_server,
        aiohttp.ClientSession(discord_server.base_url + "/") as session,
        RawClient(discord_server, session).gateway(intents=VOICE) as events,
    ):
        await events.next("GUILD_CREATE")
        await events.enter_voice(state.guild().channel("Lounge"))
        ClientUser(discord_server, state.user("Ben"), state.guild()).joins_voice("Lounge")
        assert (await events.anything())["d"]["user_id"] == str(state.user("Ben").id)


async def test_a_program_trusts_the_voice_server_by_a_file_in_its_environment(
    discord_server: DiscordServer, tmp_path: Path
) -> None:
    host, port = discord_server.voice.server.endpoint.split(":")
    program = f"import socket, ssl; context = ssl.create_default_context(); \
        context.wrap_socket(socket.create_connection(('{host}', {port})), server_hostname='{host}').close()"
    write_trusted_authorities(tmp_path / "trust.pem")
    statuses = []
    for settings in ({"SSL_CERT_FILE": str(tmp_path / "trust.pem")}, {}):
        child = BotProcess(tmp_path, settings, arguments=("-c", program))
        await child.start()
        statuses.append(await child.wait())
    assert statuses == [0, 1]
    assert "CERTIFICATE_VERIFY_FAILED" in "".join(child.log)
