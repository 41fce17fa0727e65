"""What a person sees, waits for and watches."""

import aiohttp
import pytest

from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.permissions import Permission
from sandbox.discord.server import DiscordServer
from sandbox.json_object import Json
from tests.sandbox.raw_client import RawClient


@pytest.fixture
async def raw(discord_server: DiscordServer, http: aiohttp.ClientSession) -> RawClient:
    raw = RawClient(discord_server, http)
    options = [{"type": kind, "name": name, "description": name} for kind, name in KINDS.items()]
    await raw.register(
        {"name": "say", "description": "Say it"},
        {"name": "guilds-only", "description": "Not in direct messages", "contexts": [0]},
        {"name": "all", "description": "Every kind of option", "options": options},
    )
    return raw


KINDS = {4: "integer", 5: "boolean", 6: "user", 7: "channel", 8: "role", 10: "number"}


async def test_changes_are_seen_one_after_the_other(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, 5)
    seen = []
    async for now in used.changes():
        seen.append((now.thinking, [message.text for message in now.messages]))
        if len(seen) == 1:
            await raw.hook("PATCH", used, "/messages/@original", content="one")
        elif len(seen) == 2:
            await raw.hook("POST", used, content="two")
        else:
            break
    assert seen == [(True, []), (False, ["one"]), (False, ["one", "two"])]


async def test_watching_ends_when_nothing_more_happens(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, 4, content="all there is")
    assert [now.messages[0].text async for now in used.changes(idle_s=0.01)] == ["all there is"]


async def test_the_history_of_a_message_shows_what_it_said_and_when(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, 5)
    for text in ("a", "a b", "a b c"):
        await raw.hook("PATCH", used, "/messages/@original", content=text)
    (message,) = used.messages
    assert [version.content for version in message.edits] == ["a", "a b", "a b c"]
    assert message.history == sorted(message.history, key=lambda version: version.at)


async def test_what_does_not_come_is_told_with_what_is_there(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, 4, content="something else")
    with pytest.raises(TimeoutError, match="something else"):
        await used.until(lambda shown: "this" in shown.text, deadline_s=0.01)


async def test_a_command_for_guilds_is_not_offered_in_direct_messages(raw: RawClient, ada: ClientUser) -> None:
    with pytest.raises(ClientRejected, match="not offered there"):
        await ada.command("/guilds-only", channel="dm")
    assert ada.is_offered("/guilds-only")
    assert (await ada.command("/guilds-only", channel="dm", force=True)).interaction.channel.is_direct


async def test_options_travel_as_what_they_were_declared(raw: RawClient, ada: ClientUser, ben: ClientUser) -> None:
    role = ada.guild.roles[ada.guild.id]
    values = {"integer": "3", "boolean": True, "user": ben.user, "channel": ada.channel("random"), "role": role}
    used = await ada.command("/all", {**values, "number": 1.5})
    data = used.interaction.data
    ids = [str(ben.id), str(ada.channel("random").id), str(role.id)]
    assert [option["value"] for option in data["options"]] == [3, True, *ids, 1.5]
    assert set(data["resolved"]) == {"users", "channels", "roles"}
    with pytest.raises(ClientRejected, match="number"):
        await ada.command("/all", integer="three")


async def test_nobody_speaks_where_they_may_not(discord_server: DiscordServer, ada: ClientUser, mo: ClientUser) -> None:
    everyone = ada.guild.roles[ada.guild.id]
    moderators = ada.guild.roles[ada.guild.members[mo.id].role_ids[0]]
    discord_server.state.overwrite(ada.channel(), everyone, deny=Permission.SEND_MESSAGES)
    discord_server.state.overwrite(ada.channel(), moderators, allow=Permission.SEND_MESSAGES)
    with pytest.raises(ClientRejected, match="may not write"):
        await ada.says("hm")
    assert (await mo.says("quiet please")).content == "quiet please"


async def test_a_button_is_pressed_and_a_form_filled_in(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer
) -> None:
    button = {"type": 2, "style": 1, "label": "Again", "custom_id": "again:1"}
    used = await ada.command("/say")
    await raw.respond(used, 4, content="x", components=[{"type": 1, "components": [button]}])
    pressed = await ada.clicks(used.messages[0], "Again")
    field = {"type": 4, "custom_id": "what", "label": "What", "style": 1}
    form: Json = {"title": "More", "custom_id": "more:1", "components": [{"type": 1, "components": [field]}]}
    assert (await raw.answer(pressed.interaction, 9, **form))[0] == 204
    sent = await ada.submits(pressed, what="this")
    assert sent.interaction.data["components"][0]["components"][0]["value"] == "this"
    assert (await raw.answer(sent.interaction, 7, content="y"))[0] == 204
    assert used.text == "y"
