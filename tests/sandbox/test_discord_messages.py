"""How strict the sandbox is about channels, messages, mentions and rights."""

import io

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.permissions import Permission
from sandbox.discord.server import DiscordServer
from tests.sandbox.raw_client import RawClient


@pytest.fixture
def raw(discord_server: DiscordServer, http: aiohttp.ClientSession) -> RawClient:
    return RawClient(discord_server, http)


@pytest.fixture
def messages(ada: ClientUser) -> str:
    return f"channels/{ada.channel().id}/messages"


@pytest.mark.parametrize(
    ("denied", "code"),
    [(Permission.VIEW_CHANNEL, 50001), (Permission.SEND_MESSAGES, 50013), (Permission.ATTACH_FILES, None)],
    ids=["cannot see it", "cannot write there", "cannot attach, and need not"],
)
async def test_the_bots_rights_in_a_channel_count(
    raw: RawClient, ada: ClientUser, messages: str, discord_server: DiscordServer, denied: int, code: int | None
) -> None:
    me = ada.guild.members[discord_server.state.bot.id]
    discord_server.state.overwrite(ada.channel(), me, deny=denied)
    status, answer = await raw.call("POST", messages, {"content": "hi"})
    assert (status, answer.get("code")) == ((200, None) if code is None else (403, code))


async def test_a_thread_asks_for_a_right_of_its_own(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer
) -> None:
    everyone = ada.guild.roles[ada.guild.id]
    bot_role = next(role for role in ada.guild.roles.values() if role.bot_id)
    discord_server.state.overwrite(ada.channel(), everyone, deny=Permission.SEND_MESSAGES_IN_THREADS)
    thread = f"channels/{ada.channel('a thread').id}/messages"
    assert (await raw.call("POST", thread, {"content": "hi"}))[1]["code"] == 50013
    discord_server.state.overwrite(ada.channel(), bot_role, allow=Permission.SEND_MESSAGES_IN_THREADS)
    assert (await raw.call("POST", thread, {"content": "hi"}))[0] == 200


async def test_without_the_right_token_nobody_gets_in(raw: RawClient, messages: str) -> None:
    status, answer = await raw.call("GET", messages, headers={"Authorization": "Bot wrong"})
    assert (status, answer) == (401, {"message": "401: Unauthorized", "code": 0})
    assert (await raw.call("GET", "gateway", headers={"Authorization": ""}))[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, 50006),
        ({"content": " \n"}, 400, 50006),
        ({"content": 5}, 400, 50035),
        ({"content": "x" * 2001}, 400, 50035),
        ({"content": "x", "flags": "4"}, 400, 50035),
        ({"content": "x", "flags": 64}, 400, 50035),
        ({"content": "x", "embeds": {}}, 400, 50035),
        ({"content": "x", "attachments": [{"id": "0"}]}, 400, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 400, 50035),
        ({"content": "x", "nonce": "n" * 26}, 400, 50035),
        ([], 400, 50035),
    ],
    ids=str,
)
async def test_a_body_that_is_not_a_message_is_refused(
    raw: RawClient, ada: ClientUser, messages: str, body: object, status: int, code: int
) -> None:
    answer = await raw.call("POST", messages, body)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert ada.sees() == []


async def test_a_body_that_is_not_json_is_refused(raw: RawClient, http: aiohttp.ClientSession, messages: str) -> None:
    async with http.post(messages, data=b"{", headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
        assert answer.headers["Content-Type"] == "application/json"
        assert (await answer.json())["code"] == 50109


@pytest.mark.parametrize(
    "path", ["channels/1", "channels/1/messages/2", "guilds/1", "users/1", "nowhere", "channels/x"]
)
async def test_what_is_not_there_is_not_found(raw: RawClient, path: str) -> None:
    status, answer = await raw.call("GET", path)
    assert status == 404
    assert set(answer) == {"message", "code"}


async def test_somebody_elses_message_cannot_be_edited(raw: RawClient, ada: ClientUser, messages: str) -> None:
    theirs = await ada.says("mine")
    status, answer = await raw.call("PATCH", f"{messages}/{theirs.id}", {"content": "yours"})
    assert (status, answer["code"]) == (403, 50005)
    assert (await raw.call("DELETE", f"{messages}/{theirs.id}"))[1]["code"] == 50013


async def test_an_ordinary_message_pings_whomever_it_names(raw: RawClient, ada: ClientUser, messages: str) -> None:
    role = next(role for role in ada.guild.roles.values() if role.mentionable)
    await raw.call("POST", messages, {"content": f"<@{ada.id}> <@&{role.id}> @everyone"})
    pinged = ada.sees()[0].pinged
    assert (pinged.users, pinged.roles, pinged.everyone) == ({ada.id}, {role.id}, True)


async def test_empty_allowed_mentions_ping_nobody(raw: RawClient, ada: ClientUser, messages: str) -> None:
    body = {"content": f"<@{ada.id}> @here", "allowed_mentions": {"parse": []}}
    await raw.call("POST", messages, body)
    assert not ada.sees()[0].pinged


async def test_an_edit_that_says_nothing_of_mentions_falls_back_to_pinging(
    raw: RawClient, ada: ClientUser, messages: str
) -> None:
    quiet = {"content": f"<@{ada.id}>", "allowed_mentions": {"parse": []}}
    _, message = await raw.call("POST", messages, quiet)
    await raw.call("PATCH", f"{messages}/{message['id']}", {"content": f"again <@{ada.id}>"})
    assert ada.sees()[0].pinged.users == {ada.id}


async def test_a_message_is_not_posted_twice_under_one_nonce(raw: RawClient, ada: ClientUser, messages: str) -> None:
    body = {"content": "once", "nonce": "7", "enforce_nonce": True}
    first, second = [(await raw.call("POST", messages, body))[1]["id"] for _ in range(2)]
    assert first == second
    assert len(ada.sees()) == 1


async def test_messages_are_listed_newest_first_up_to_a_limit(raw: RawClient, ada: ClientUser, messages: str) -> None:
    for word in ("one", "two", "three"):
        await ada.says(word)
    _, listed = await raw.call("GET", f"{messages}?limit=2")
    assert [message["content"] for message in listed] == ["three", "two"]
    assert (await raw.call("GET", f"{messages}?limit=101"))[0] == 400


async def test_a_request_over_25_mib_is_refused(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer, http: aiohttp.ClientSession, messages: str
) -> None:
    discord_server.state.attachment_size_limit = 64 << 20
    form = aiohttp.FormData()
    for place in range(2):
        form.add_field(f"files[{place}]", io.BytesIO(bytes(13 << 20)), filename="zeros.bin")
    async with http.post(messages, data=form) as answer:
        assert answer.status == 413
        assert (await answer.json())["code"] == 40005


async def test_a_private_thread_is_for_who_is_in_it_and_who_manages_threads(
    raw: RawClient, ada: ClientUser, ben: ClientUser, mo: ClientUser, discord_server: DiscordServer
) -> None:
    state = discord_server.state
    thread = state.add_private_thread(ada.channel(), "secrets", ada.user)
    members = f"channels/{thread.id}/thread-members"
    assert state.permissions(ada.user, thread) == state.permissions(ada.user, ada.channel())
    assert state.permissions(ben.user, thread) == 0
    assert state.permissions(mo.user, thread)
    assert (await raw.call("GET", f"{members}/{ada.id}"))[1]["code"] == 50001
    thread.joined[state.bot.id] = state.now()
    status, answer = await raw.call("GET", f"{members}/{ada.id}")
    assert (status, answer["user_id"], answer["id"]) == (200, str(ada.id), str(thread.id))
    assert (await raw.call("GET", f"{members}/{ben.id}"))[1]["code"] == 10007
    assert (await raw.call("GET", f"channels/{ada.channel().id}/thread-members/{ada.id}"))[1]["code"] == 50024
