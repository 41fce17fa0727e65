"""How strict the sandbox is about interactions, tried with bare requests in the bot's place."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.interaction_result import NotAcknowledged
from sandbox.client.user import ClientUser
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from tests.sandbox.raw_client import RawClient

DEFER, MESSAGE, CHOICES = 5, 4, 8
EPHEMERAL, SUPPRESS_EMBEDS = 64, 4


class Watch:
    """Seconds since 1970 that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def discord_server(watch: Watch) -> AsyncIterator[DiscordServer]:
    state = DiscordState(now=watch, attachment_size_limit=1000)
    state.populate()
    async with DiscordServer(state) as served:
        yield served


@pytest.fixture
async def raw(discord_server: DiscordServer, http: aiohttp.ClientSession) -> RawClient:
    raw = RawClient(discord_server, http)
    await raw.register({"name": "say", "description": "Say it", "options": [TEXT]})
    return raw


TEXT = {"type": 3, "name": "text", "description": "What", "autocomplete": True}


async def test_within_three_seconds_is_in_time(raw: RawClient, ada: ClientUser, watch: Watch) -> None:
    used = await ada.command("/say")
    watch.seconds += 2.9
    assert await raw.respond(used, DEFER) == (204, None)
    assert await used.until_acknowledged() == pytest.approx(2.9)
    assert used.thinking


async def test_after_three_seconds_the_interaction_is_unknown(raw: RawClient, ada: ClientUser, watch: Watch) -> None:
    used = await ada.command("/say")
    watch.seconds += 3.1
    status, answer = await raw.respond(used, DEFER)
    assert (status, answer["code"]) == (404, 10062)
    assert used.failed
    with pytest.raises(NotAcknowledged):
        await used.until_acknowledged()


async def test_a_second_first_response_is_refused(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, MESSAGE, content="one")
    status, answer = await raw.respond(used, MESSAGE, content="two")
    assert (status, answer["code"]) == (400, 40060)
    assert used.text == "one"


async def test_a_refused_first_response_may_be_put_right(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    status, answer = await raw.respond(used, MESSAGE, content="x" * 2001)
    assert (status, answer["code"]) == (400, 50035)
    assert answer["errors"]["data"]["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    assert await raw.respond(used, MESSAGE, content="x" * 2000) == (204, None)


async def test_characters_are_code_points(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    assert await raw.respond(used, MESSAGE, content="🦜" * 2000) == (204, None)


async def test_nothing_follows_before_the_first_response(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    status, answer = await raw.hook("POST", used, content="too early")
    assert (status, answer["code"]) == (404, 10015)


async def test_the_token_is_of_no_use_after_fifteen_minutes(raw: RawClient, ada: ClientUser, watch: Watch) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER)
    watch.seconds += 15 * 60 + 1
    status, answer = await raw.hook("PATCH", used, "/messages/@original", content="late")
    assert (status, answer["code"]) == (401, 50027)
    assert used.failed


async def test_the_answer_to_a_callback_names_its_message(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    status, answer = await raw.respond(used, MESSAGE, content="hi", query="?with_response=1")
    assert status == 200
    assert answer["interaction"]["response_message_id"] == answer["resource"]["message"]["id"]
    assert answer["resource"]["message"]["content"] == "hi"


async def test_a_deferral_settles_who_may_see_the_answer(raw: RawClient, ada: ClientUser, ben: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER, flags=EPHEMERAL)
    status, _ = await raw.hook("PATCH", used, "/messages/@original", content="for you", flags=SUPPRESS_EMBEDS)
    assert status == 200
    assert used.messages[0].flags == EPHEMERAL | SUPPRESS_EMBEDS
    assert ben.sees() == []


async def test_a_deferral_takes_no_other_flag(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    status, answer = await raw.respond(used, DEFER, flags=SUPPRESS_EMBEDS)
    assert (status, answer["code"]) == (400, 50035)


async def test_an_ephemeral_message_is_not_reached_through_its_channel(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, MESSAGE, content="psst", flags=EPHEMERAL)
    path = f"channels/{ada.channel().id}/messages"
    status, answer = await raw.call("GET", f"{path}/{used.messages[0].id}")
    assert (status, answer["code"]) == (404, 10008)
    assert await raw.call("GET", path) == (200, [])


async def test_the_first_follow_up_after_a_deferral_takes_its_place(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER)
    await raw.hook("POST", used, content="in its place")
    await raw.hook("POST", used, content="behind it")
    assert [message.content for message in used.messages] == ["in its place", "behind it"]
    assert used.interaction.original is not None
    assert used.interaction.original.content == "in its place"


async def test_a_deleted_answer_is_gone(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, MESSAGE, content="hi")
    assert await raw.hook("DELETE", used, "/messages/@original") == (204, None)
    status, answer = await raw.hook("GET", used, "/messages/@original")
    assert (status, answer["code"]) == (404, 10008)
    assert ada.sees() == []


async def test_only_a_completion_answers_a_completion(
    raw: RawClient, ada: ClientUser, discord_server: DiscordServer
) -> None:
    choices = [{"name": f"{n}", "value": f"{n}"} for n in range(26)]
    completing = raw.while_completing(ada, "/say", option="text")
    async with completing as interaction:
        assert (await raw.answer(interaction, DEFER))[0] == 400
        _, answer = await raw.answer(interaction, CHOICES, choices=choices)
        assert answer["errors"]["data"]["choices"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
        assert (await raw.answer(interaction, CHOICES, choices=choices[:25]))[0] == 204
    assert len(completing.result) == 25


async def test_an_empty_answer_is_refused(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER)
    status, answer = await raw.hook("PATCH", used, "/messages/@original", content=" \n ")
    assert (status, answer["code"]) == (400, 50006)
    assert used.thinking


async def test_the_edges_of_a_text_are_trimmed(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, MESSAGE, content="\n  in the middle \n\n")
    assert used.text == "in the middle"


async def test_files_come_and_stay_through_an_edit(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER)
    listed = [{"id": 0, "filename": "SPOILER_a.txt", "description": "alt"}]
    await raw.hook("PATCH", used, "/messages/@original", files=[b"a" * 1000], attachments=listed)
    await raw.hook("PATCH", used, "/messages/@original", content="and a text")
    (file,) = used.messages[0].attachments
    assert (file.size, file.spoiler, file.description) == (1000, True, "alt")
    async with aiohttp.ClientSession() as anyone, anyone.get(file.url) as answer:
        assert await answer.read() == b"a" * 1000


async def test_a_file_over_the_limit_is_refused(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER)
    status, answer = await raw.hook("PATCH", used, "/messages/@original", files=[b"a" * 1001])
    assert (status, answer["code"]) == (413, 40005)
    assert used.thinking


async def test_an_eleventh_file_is_refused(raw: RawClient, ada: ClientUser) -> None:
    used = await ada.command("/say")
    await raw.respond(used, DEFER)
    assert (await raw.hook("PATCH", used, "/messages/@original", files=[b"a"] * 10))[0] == 200
    status, answer = await raw.hook("PATCH", used, "/messages/@original", files=[b"a"])
    assert (status, answer["code"]) == (400, 30015)


async def test_an_interactions_payload_has_what_discord_sends(
    raw: RawClient, mo: ClientUser, discord_server: DiscordServer
) -> None:
    async with raw.gateway() as events:
        used = await mo.command("/say", text="hi", channel="a thread")
        sent = await events.next("INTERACTION_CREATE")
    assert sent["id"] == str(used.interaction.id)
    assert sent["channel"]["parent_id"] == str(mo.channel("general").id)
    assert sent["attachment_size_limit"] == 1000
    assert int(sent["member"]["permissions"]) & (1 << 4 | 1 << 5) == 1 << 4 | 1 << 5
    assert (sent["context"], sent["locale"], sent["guild_locale"]) == (0, "en-US", "en-US")
    assert sent["data"]["options"] == [{"name": "text", "type": 3, "value": "hi"}]
    assert "user" not in sent
