"""The ways in to a bot besides commands: mentions, replies, files, menus, forms; and what it may read of them."""

import aiohttp
import pytest

from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.server import DiscordServer
from sandbox.json_object import Json
from tests.sandbox.raw_client import RawClient

MESSAGES = 1 << 9 | 1 << 12
MODAL = 9
MENU = {"type": 3, "name": "Ask about this"}


@pytest.fixture
async def raw(discord_server: DiscordServer, http: aiohttp.ClientSession) -> RawClient:
    raw = RawClient(discord_server, http)
    await raw.register(MENU, {"name": "say", "description": "Say it"})
    return raw


def form(*fields: Json) -> Json:
    labels = [{"type": 18, "label": "A field", "component": each} for each in fields]
    return {"title": "A form", "custom_id": "form", "components": labels}


def select(*values: str, kind: int = 3, **changes: object) -> Json:
    options = [{"label": value.upper(), "value": value} for value in values]
    return {"type": kind, "custom_id": "who", "options": options, **changes}


async def test_content_is_read_in_mentions_direct_messages_and_replies_that_ping(
    raw: RawClient, ada: ClientUser, ben: ClientUser, discord_server: DiscordServer
) -> None:
    bot, here = discord_server.state.bot.id, f"channels/{ada.channel().id}/messages"
    _, own = await raw.call("POST", here, {"content": "mine"})
    mine = discord_server.state.message(ada.channel().id, int(own["id"]))
    used = await ada.command("/say")
    await raw.respond(used, 4, content="by a command")
    async with raw.gateway(intents=MESSAGES) as events:
        said = [
            await ada.says(f"<@{bot}> mention", files={"a.txt": b"a"}),
            await ada.says("plain", files={"b.txt": b"b"}),
            await ada.says("reply", reply_to=mine),
            await ada.says("quiet reply", reply_to=mine, ping=False),
            await ada.says("reply to a command's answer", reply_to=used.messages[0]),
            await ada.says(f"<@{bot}> what does that mean?", reply_to=await ben.says("Ben's words")),
            await ada.says("direct", channel="dm"),
        ]
        heard: dict[int, Json] = {}
        while len(heard) < len(said) + 1:
            event = await events.next("MESSAGE_CREATE")
            heard[int(event["id"])] = event
    contents = [(heard[each.id]["content"], len(heard[each.id]["attachments"])) for each in said]
    assert contents == [
        (f"<@{bot}> mention", 1), ("", 0), ("reply", 0), ("", 0), ("", 0), (f"<@{bot}> what does that mean?", 0),
        ("direct", 0),
    ]  # fmt: skip
    assert heard[said[4].id]["referenced_message"]["content"] == "by a command"
    assert heard[said[5].id]["referenced_message"]["content"] == ""


async def test_a_file_that_comes_with_a_message_or_a_command_can_be_fetched(
    raw: RawClient, ada: ClientUser, http: aiohttp.ClientSession
) -> None:
    message = await ada.says("look", files={"two words.py": b"print()"})
    assert [(each.filename, each.size) for each in message.attachments] == [("two_words.py", 7)]
    chosen = ada.uploads("shot.png", b"no picture")
    assert chosen.ephemeral
    for file in (*message.attachments, chosen):
        async with http.get(file.url) as answer:
            assert await answer.read() == file.data


async def test_an_entry_of_a_messages_menu_brings_the_whole_message(
    raw: RawClient, ada: ClientUser, ben: ClientUser, discord_server: DiscordServer
) -> None:
    message = await ben.says("what I said", files={"a.txt": b"a"})
    async with raw.gateway() as events:
        await ada.uses_menu("Ask about this", message)
        data = (await events.next("INTERACTION_CREATE"))["data"]
    assert (data["type"], data["target_id"]) == (3, str(message.id))
    (resolved,) = data["resolved"]["messages"].values()
    assert (resolved["content"], resolved["author"]["id"]) == ("what I said", str(ben.id))
    assert len(resolved["attachments"]) == 1
    with pytest.raises(ClientRejected, match="no menu entry"):
        await ada.uses_menu("say", message)


@pytest.mark.parametrize(
    ("field", "typed", "sent"),
    [
        (select("all", "me"), "ME", {"values": ["me"]}),
        (select("all", "me", kind=21), "all", {"value": "all"}),
        (
            {**select("all", "me"), "options": [{"label": "All", "value": "all", "default": True}]},
            None,
            {"values": ["all"]},
        ),
        (select("all", required=False), None, {"values": []}),
    ],
    ids=["by label", "radio", "left as it was", "nothing"],
)
async def test_what_is_chosen_in_a_form_is_sent(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer, field: Json, typed: str | None, sent: Json
) -> None:
    used = await ada.command("/say")
    assert (await raw.respond(used, MODAL, **form(field)))[0] == 204
    async with raw.gateway() as events:
        await ada.submits(used, **({} if typed is None else {"who": typed}))
        (label,) = (await events.next("INTERACTION_CREATE"))["data"]["components"]
    assert sent.items() <= label["component"].items()


async def test_a_choice_that_is_not_offered_or_missing_cannot_be_sent(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, MODAL, **form(select("all", "me")))
    with pytest.raises(ClientRejected, match="no choice"):
        await ada.submits(used, who="nobody")
    with pytest.raises(ClientRejected, match="has to be chosen"):
        await ada.submits(used)


@pytest.mark.parametrize(
    "field",
    [select(), select("a", kind=21), select("a", "a"), select("a", custom_id=""), select("x" * 101)],
    ids=["no choices", "one radio button", "twice the same", "no id", "too long"],
)
async def test_a_form_whose_choices_discord_would_not_take_is_refused(
    raw: RawClient, ada: ClientUser, field: Json
) -> None:
    used = await ada.command("/say")
    status, answer = await raw.respond(used, MODAL, **form(field))
    assert (status, answer["code"]) == (400, 50035)


async def test_nobody_replies_to_what_one_person_sees(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, 4, content="for you", flags=64)
    with pytest.raises(ClientRejected, match="can't be replied to"):
        await ada.says("hm", reply_to=used.messages[0])


async def test_what_comes_of_a_mention_is_followed_from_reply_to_reply(raw: RawClient, ada: ClientUser) -> None:
    here = f"channels/{ada.channel().id}/messages"
    said = await ada.asks("hello")
    _, first = await raw.call(
        "POST", here, {"content": "one", "message_reference": {"message_id": str(said.message.id)}}
    )
    await raw.call("POST", here, {"content": "something else"})
    await raw.call("POST", here, {"content": "two", "message_reference": {"message_id": first["id"]}})
    await raw.call("PUT", f"{here}/{said.message.id}/reactions/⏳/@me")
    assert (await said.until(lambda each: len(each.messages) == 2)).text == "one\ntwo"
    assert said.reactions == ["⏳"]
