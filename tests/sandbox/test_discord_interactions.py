"""How strict the stand-in is about interactions, tried with bare requests in the bot's place."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.interaction_result import NotAcknowledged
from sandbox.client.user import Person
from sandbox.discord.server import DiscordStandIn
from sandbox.discord.state import World
from tests.sandbox.raw_client import BareBot

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
async def standin(watch: Watch) -> AsyncIterator[DiscordStandIn]:
    world = World(now=watch, attachment_size_limit=1000)
    world.populate()
    async with DiscordStandIn(world) as served:
        yield served


@pytest.fixture
async def bare(standin: DiscordStandIn, http: aiohttp.ClientSession) -> BareBot:
    bare = BareBot(standin, http)
    await bare.register({"name": "say", "description": "Say it", "options": [TEXT]})
    return bare


TEXT = {"type": 3, "name": "text", "description": "What", "autocomplete": True}


async def test_within_three_seconds_is_in_time(bare: BareBot, ada: Person, watch: Watch):
    used = await ada.command("/say")
    watch.seconds += 2.9
    assert await bare.respond(used, DEFER) == (204, None)
    assert await used.acknowledged == pytest.approx(2.9)
    assert used.thinking


async def test_after_three_seconds_the_interaction_is_unknown(bare: BareBot, ada: Person, watch: Watch):
    used = await ada.command("/say")
    watch.seconds += 3.1
    status, answer = await bare.respond(used, DEFER)
    assert (status, answer["code"]) == (404, 10062)
    assert used.failed
    with pytest.raises(NotAcknowledged):
        await used.acknowledged


async def test_a_second_first_response_is_refused(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, MESSAGE, content="one")
    status, answer = await bare.respond(used, MESSAGE, content="two")
    assert (status, answer["code"]) == (400, 40060)
    assert used.text == "one"


async def test_a_refused_first_response_may_be_put_right(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    status, answer = await bare.respond(used, MESSAGE, content="x" * 2001)
    assert (status, answer["code"]) == (400, 50035)
    assert answer["errors"]["data"]["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    assert await bare.respond(used, MESSAGE, content="x" * 2000) == (204, None)


async def test_characters_are_code_points(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    assert await bare.respond(used, MESSAGE, content="🦜" * 2000) == (204, None)


async def test_nothing_follows_before_the_first_response(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    status, answer = await bare.hook("POST", used, content="too early")
    assert (status, answer["code"]) == (404, 10015)


async def test_the_token_is_of_no_use_after_fifteen_minutes(bare: BareBot, ada: Person, watch: Watch):
    used = await ada.command("/say")
    await bare.respond(used, DEFER)
    watch.seconds += 15 * 60 + 1
    status, answer = await bare.hook("PATCH", used, "/messages/@original", content="late")
    assert (status, answer["code"]) == (401, 50027)
    assert used.failed


async def test_the_answer_to_a_callback_names_its_message(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    status, answer = await bare.respond(used, MESSAGE, content="hi", query="?with_response=1")
    assert status == 200
    assert answer["interaction"]["response_message_id"] == answer["resource"]["message"]["id"]
    assert answer["resource"]["message"]["content"] == "hi"


async def test_a_deferral_settles_who_may_see_the_answer(bare: BareBot, ada: Person, ben: Person):
    used = await ada.command("/say")
    await bare.respond(used, DEFER, flags=EPHEMERAL)
    status, _ = await bare.hook("PATCH", used, "/messages/@original", content="for you", flags=SUPPRESS_EMBEDS)
    assert status == 200
    assert used.messages[0].flags == EPHEMERAL | SUPPRESS_EMBEDS
    assert ben.sees() == []


async def test_a_deferral_takes_no_other_flag(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    status, answer = await bare.respond(used, DEFER, flags=SUPPRESS_EMBEDS)
    assert (status, answer["code"]) == (400, 50035)


async def test_an_ephemeral_message_is_not_reached_through_its_channel(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, MESSAGE, content="psst", flags=EPHEMERAL)
    path = f"channels/{ada.place().id}/messages"
    status, answer = await bare.call("GET", f"{path}/{used.messages[0].id}")
    assert (status, answer["code"]) == (404, 10008)
    assert await bare.call("GET", path) == (200, [])


async def test_the_first_follow_up_after_a_deferral_takes_its_place(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, DEFER)
    await bare.hook("POST", used, content="in its place")
    await bare.hook("POST", used, content="behind it")
    assert [message.content for message in used.messages] == ["in its place", "behind it"]
    assert used.interaction.original.content == "in its place"


async def test_a_deleted_answer_is_gone(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, MESSAGE, content="hi")
    assert await bare.hook("DELETE", used, "/messages/@original") == (204, None)
    status, answer = await bare.hook("GET", used, "/messages/@original")
    assert (status, answer["code"]) == (404, 10008)
    assert ada.sees() == []


async def test_only_a_completion_answers_a_completion(bare: BareBot, ada: Person, standin: DiscordStandIn):
    choices = [{"name": f"{n}", "value": f"{n}"} for n in range(26)]
    completing = bare.while_completing(ada, "/say", option="text")
    async with completing as interaction:
        assert (await bare.answer(interaction, DEFER))[0] == 400
        _, answer = await bare.answer(interaction, CHOICES, choices=choices)
        assert answer["errors"]["data"]["choices"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
        assert (await bare.answer(interaction, CHOICES, choices=choices[:25]))[0] == 204
    assert len(completing.result) == 25


async def test_an_empty_answer_is_refused(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, DEFER)
    status, answer = await bare.hook("PATCH", used, "/messages/@original", content=" \n ")
    assert (status, answer["code"]) == (400, 50006)
    assert used.thinking


async def test_the_edges_of_a_text_are_trimmed(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, MESSAGE, content="\n  in the middle \n\n")
    assert used.text == "in the middle"


async def test_files_come_and_stay_through_an_edit(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, DEFER)
    listed = [{"id": 0, "filename": "SPOILER_a.txt", "description": "alt"}]
    await bare.hook("PATCH", used, "/messages/@original", files=[b"a" * 1000], attachments=listed)
    await bare.hook("PATCH", used, "/messages/@original", content="and a text")
    (file,) = used.messages[0].attachments
    assert (file.size, file.spoiler, file.description) == (1000, True, "alt")
    async with aiohttp.ClientSession() as anyone, anyone.get(file.url) as answer:
        assert await answer.read() == b"a" * 1000


async def test_a_file_over_the_limit_is_refused(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, DEFER)
    status, answer = await bare.hook("PATCH", used, "/messages/@original", files=[b"a" * 1001])
    assert (status, answer["code"]) == (413, 40005)
    assert used.thinking


async def test_an_eleventh_file_is_refused(bare: BareBot, ada: Person):
    used = await ada.command("/say")
    await bare.respond(used, DEFER)
    assert (await bare.hook("PATCH", used, "/messages/@original", files=[b"a"] * 10))[0] == 200
    status, answer = await bare.hook("PATCH", used, "/messages/@original", files=[b"a"])
    assert (status, answer["code"]) == (400, 30015)


async def test_an_interactions_payload_has_what_discord_sends(bare: BareBot, mo: Person, standin: DiscordStandIn):
    async with bare.gateway() as events:
        used = await mo.command("/say", text="hi", channel="a thread")
        sent = await events.next("INTERACTION_CREATE")
    assert sent["id"] == str(used.interaction.id)
    assert sent["channel"]["parent_id"] == str(mo.place("general").id)
    assert sent["attachment_size_limit"] == 1000
    assert int(sent["member"]["permissions"]) & (1 << 4 | 1 << 5) == 1 << 4 | 1 << 5
    assert (sent["context"], sent["locale"], sent["guild_locale"]) == (0, "en-US", "en-US")
    assert sent["data"]["options"] == [{"name": "text", "type": 3, "value": "hi"}]
    assert "user" not in sent
