"""The sandbox's answers, and what discord.py sends it, against Discord's own description."""

import aiohttp
import discord

from sandbox.client.user import ClientUser
from sandbox.discord.server import DiscordServer
from sandbox.json_object import Json
from tests.sandbox.echo_bot import EchoBot
from tests.sandbox.raw_client import RawClient
from tests.support.openapi import OpenApi


async def test_everything_said_in_a_conversation_is_as_discord_describes_it(
    echo_bot: EchoBot, ada: ClientUser, mo: ClientUser, discord_server: DiscordServer
) -> None:
    described = OpenApi.beside_the_checkout()
    used = await ada.command("/say", text="hello", tone="Loud", song="la", private=True)
    await used.until(lambda shown: len(shown.messages) == 2)
    await (await mo.command("/bird feed", seeds=3, channel="a thread")).until_answered()
    await ada.completes("/say", option="song", typed="tra", text="hm")
    question = await ada.says(f"<@{discord_server.state.bot.id}> polly?", channel="dm")
    await discord_server.state.changed.until(lambda: len(ada.sees("dm")) == 2, deadline_s=5, what="the reply")
    channel = echo_bot.get_channel(ada.channel().id)
    assert isinstance(channel, discord.TextChannel)
    message = await channel.send("here", silent=True)
    await message.add_reaction("👍")
    assert [each.id async for each in channel.history(limit=5)] == [message.id]
    await message.edit(content="there")
    await message.delete()
    await channel.typing()
    await echo_bot.fetch_channel(question.channel_id)
    await echo_bot.fetch_guild(ada.guild.id)
    await echo_bot.tree.fetch_commands()
    assert described.complaints(discord_server.traffic_log.requests) == []
    assert len(discord_server.traffic_log.requests) > 15


async def test_every_other_endpoint_answers_as_discord_describes_it(
    http: aiohttp.ClientSession, discord_server: DiscordServer, ada: ClientUser
) -> None:
    described = OpenApi.beside_the_checkout()
    commands = f"applications/{discord_server.state.application_id}/commands"
    body: Json | None
    body = {"name": "song", "description": "Sing", "options": [{"type": 3, "name": "which", "description": "Which"}]}
    async with http.post(commands, json=body) as made:
        one = f"{commands}/{(await made.json())['id']}"
    guild, channel = f"guilds/{ada.guild.id}", f"channels/{ada.channel('a thread').id}"
    thread = discord_server.state.add_private_thread(ada.channel(), "secrets", ada.user, discord_server.state.bot)
    secret = f"channels/{thread.id}"
    for method, path, body in (
        ("PATCH", one, {"description": "Sing well"}),
        ("GET", one, None),
        ("DELETE", one, None),
        ("GET", one, None),
        ("GET", "gateway", None),
        ("GET", "applications/@me", None),
        ("GET", "oauth2/applications/@me", None),
        ("GET", f"{guild}/members/{ada.id}", None),
        ("GET", f"{secret}/thread-members/{ada.id}", None),
        ("GET", secret, None),
        ("GET", channel, None),
        ("POST", "users/@me/channels", {"recipient_id": str(ada.id)}),
        ("POST", f"{channel}/messages", {"content": "x" * 2001}),
    ):
        async with http.request(method, path, json=body):
            pass
    assert described.complaints(discord_server.traffic_log.requests) == []
    assert len(discord_server.traffic_log.requests) == 14


async def test_what_a_button_and_a_form_lead_to_is_told_as_discord_describes_it(
    http: aiohttp.ClientSession, discord_server: DiscordServer, ada: ClientUser
) -> None:
    described, raw = OpenApi.beside_the_checkout(), RawClient(discord_server, http)
    await raw.register({"name": "say", "description": "Say it"})
    field = {"type": 18, "label": "What?", "component": {"type": 4, "custom_id": "what", "style": 1}}
    button = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Write", "custom_id": "write"}]}
    used = await ada.command("/say")
    await raw.respond(used, 4, query="?with_response=1", content="hm", components=[button])
    pressed = await ada.clicks(used.messages[0], "Write")
    await raw.respond(pressed, 9, query="?with_response=1", title="Write", custom_id="form", components=[field])
    sent = await ada.submits(pressed, what="words")
    _, answer = await raw.respond(sent, 4, query="?with_response=1", content="thanks")
    assert described.complaints(discord_server.traffic_log.requests) == []
    told = answer["resource"]["message"]["interaction_metadata"]
    assert told["id"] == str(sent.interaction.id)
    assert told["triggering_interaction_metadata"]["interacted_message_id"] == str(used.messages[0].id)
