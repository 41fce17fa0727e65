"""The real discord.py client against the sandbox, over real sockets."""

import asyncio

import discord
import pytest

from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.messages import MessageFlag
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.server import DiscordServer
from tests.sandbox.echo_bot import EchoBot, running


async def test_a_command_is_deferred_edited_and_followed_up_with_a_file(echo_bot: EchoBot, ada: ClientUser) -> None:
    used = await ada.command("/say", text="hello to everyone here", tone="Loud", song="la")
    assert await used.until_acknowledged() < 3
    await used.until(lambda shown: len(shown.messages) == 2)
    first, second = used.messages
    assert first.content == "hello to everyone here"
    assert [version.content for version in first.history] == ["", "hello to e", first.content]
    assert second.content == "song: la"
    assert second.attachments[0].data == b"HELLO TO EVERYONE HERE"
    assert second.attachments[0].description == "the same, louder"
    assert not used.private


async def test_a_private_answer_is_seen_by_its_asker_only(echo_bot: EchoBot, ada: ClientUser, ben: ClientUser) -> None:
    used = await ada.command("/say", text="secret", private=True)
    await used.until(lambda shown: shown.text == "secret")
    assert used.private
    assert used.messages[0] in ada.sees()
    assert used.messages[0] not in ben.sees()


async def test_a_subcommand_reaches_its_callback_with_the_members_rights(echo_bot: EchoBot, mo: ClientUser) -> None:
    used = await (await mo.command("/bird feed", seeds=3, channel="a thread")).until_answered()
    thread = mo.channel("a thread")
    assert used.text == f"3 seeds {thread.id} True"


async def test_a_command_for_moderators_is_not_offered_to_others(echo_bot: EchoBot, ada: ClientUser) -> None:
    with pytest.raises(ClientRejected, match="not offered to Ada"):
        await ada.command("/bird feed", seeds=3)
    forced = await (await ada.command("/bird feed", seeds=3, force=True)).until_answered()
    assert forced.text.endswith("False")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "needs text"),
        ({"text": ""}, "1 to 6000"),
        ({"text": "x" * 6001}, "1 to 6000"),
        ({"text": "x", "tone": "Silent"}, "no choice"),
        ({"text": "x", "colour": "red"}, "no option colour"),
        ({"text": "x", "private": "perhaps"}, "true or false"),
    ],
    ids=["missing", "too short", "too long", "no choice", "unknown", "no boolean"],
)
async def test_the_client_does_not_send_options_that_do_not_fit(
    echo_bot: EchoBot, ada: ClientUser, options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ClientRejected, match=complaint):
        await ada.command("/say", options)


async def test_an_option_completes_while_it_is_typed(echo_bot: EchoBot, ada: ClientUser) -> None:
    choices = await ada.completes("/say", option="song", typed="tra", text="hm")
    assert [choice["value"] for choice in choices] == ["tra0", "tra1", "tra2"]


async def test_a_mention_is_read_and_answered_and_other_talk_is_not_readable(
    echo_bot: EchoBot, ada: ClientUser, discord_server: DiscordServer
) -> None:
    await ada.says("just among us")
    asked = await ada.says(f"<@{discord_server.state.bot.id}> polly?")
    await discord_server.state.changed.until(lambda: len(ada.sees()) == 3, deadline_s=5, what="the reply")
    reply = ada.sees()[-1]
    assert reply.content == f"You said {asked.content}"
    assert reply.reply_to == asked.id
    assert ada.id in reply.pinged.users
    assert echo_bot.heard[0].content == ""


async def test_a_direct_message_is_readable_without_a_mention(
    echo_bot: EchoBot, ada: ClientUser, discord_server: DiscordServer
) -> None:
    await ada.says("psst", channel="dm")
    await ada.says(f"<@{discord_server.state.bot.id}> now", channel="dm")
    await discord_server.state.changed.until(lambda: len(ada.sees("dm")) == 3, deadline_s=5, what="the reply")
    assert echo_bot.heard[0].content == "psst"
    assert echo_bot.heard[0].guild is None


async def test_a_dropped_connection_is_resumed_and_misses_nothing(
    echo_bot: EchoBot, ada: ClientUser, discord_server: DiscordServer
) -> None:
    await discord_server.gateway.disconnect_all()
    used = await ada.command("/say", text="while you were away")
    await used.until(lambda shown: shown.text == "while you were away")
    assert discord_server.gateway.resumes == 1
    assert discord_server.gateway.readies == 1


async def test_a_forgotten_session_is_identified_anew(
    echo_bot: EchoBot, ada: ClientUser, discord_server: DiscordServer
) -> None:
    await discord_server.gateway.disconnect_all(forget=True)
    await discord_server.traffic_log.changed.until(
        lambda: discord_server.gateway.readies == 2, deadline_s=20, what="a second READY"
    )
    used = await ada.command("/say", text="back again")
    await used.until(lambda shown: shown.text == "back again")
    assert discord_server.gateway.resumes == 0


async def test_the_clients_own_pacing_leads_to_no_429(
    echo_bot: EchoBot, ada: ClientUser, discord_server: DiscordServer
) -> None:
    discord_server.rate_limiter.rates["message.edit"] = RateLimit(5, 0.5)
    channel = echo_bot.get_channel(ada.channel().id)
    assert isinstance(channel, discord.TextChannel)
    message = await channel.send("0")
    await asyncio.gather(*(message.edit(content=str(n)) for n in range(1, 6)))
    assert ada.sees()[-1].content == "5"
    assert discord_server.traffic_log.list_rate_limited() == []


async def test_a_privileged_intent_that_is_switched_off_ends_the_client(
    discord_server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = EchoBot(intents=discord.Intents(guilds=True, message_content=True))
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(bot, discord_server, monkeypatch):
            pass


async def test_a_wrong_token_is_refused_at_login(
    discord_server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", discord_server.base_url)
    async with EchoBot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("wrong")


async def test_a_second_sync_creates_nothing(echo_bot: EchoBot, discord_server: DiscordServer) -> None:
    before = discord_server.commands.list_all()
    await echo_bot.tree.sync()
    assert discord_server.commands.list_all() == before
    assert discord_server.commands.creates == 2


async def test_suppressed_embeds_leave_no_link_previews(echo_bot: EchoBot, ada: ClientUser) -> None:
    channel = echo_bot.get_channel(ada.channel().id)
    assert isinstance(channel, discord.TextChannel)
    await channel.send("see https://example.org and <https://example.com> and `https://example.net`")
    await channel.send("see https://example.org", suppress_embeds=True)
    open_, closed = ada.sees()
    assert open_.previews == ["https://example.org"]
    assert closed.previews == []
    assert closed.flags & MessageFlag.SUPPRESS_EMBEDS
