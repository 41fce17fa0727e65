"""What each command does for those who use it, beyond streaming and faults."""

import io
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import av
import pytest
import pytest_asyncio
from PIL import Image

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.interactions import CallbackType
from sandbox.discord.messages import Attachment
from sandbox.discord.permissions import Permission
from sandbox.json_object import Json
from sandbox.openai.calls import ApiCall
from sandbox.openai.faults import CONTENT_POLICY, Body, Hang, RequestFilter, Slow
from sandbox.openai.server import OpenAiServer
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, ask, run_command, wait_until_final
from tests.support.make_sound import mp3
from tests.support.observations import edits_of, sent_for, usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYONES = [
    *("ask", "draw", "help", "models", "say", "usage"),
    *("history show", "history export", "privacy show", "privacy export", "privacy delete"),
]
IN_SERVERS = [
    *(f"voice {command}" for command in ("join", "leave", "skip", "stop", "queue", "settings")),
    *("persona list", "pronounce list"),
]
MODERATORS = [
    *IN_SERVERS,
    *(f"{group} {command}" for group in ("channel", "server") for command in ("model", "persona", "show", "reset")),
    *(f"persona {command}" for command in ("add", "edit", "remove", "export", "import")),
    *("pronounce add", "pronounce remove", "voice read"),
    *("history clear", "quota set", "quota clear", "quota list"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(ANY_NUMBER) as sandbox:
        await _stocked(sandbox)
        yield sandbox


@pytest.fixture
def member(sandbox: Sandbox) -> ClientUser:
    """Somebody who has used nothing yet."""
    return sandbox.join(f"Member {sandbox.traffic_log.number}")


# ---------------------------------------------------------------- models


async def test_models_shows_what_each_one_is_for(member: ClientUser) -> None:
    used = await run_command(member, "/models")
    assert used.private
    assert _listed(used) == {
        "Chat models (`/ask`)": ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "o4-mini"],
        "Speech models (`/say`)": ["gpt-4o-mini-tts", "tts-1", "tts-1-hd"],
        "Image models (`/draw`)": ["dall-e-2", "dall-e-3", "gpt-image-1"],
    }


async def test_models_finds_what_is_searched_for_anywhere_in_a_name(member: ClientUser) -> None:
    found = _listed(await run_command(member, "/models", search="MINI"))
    assert found == {
        "Chat models (`/ask`)": ["gpt-4.1-mini", "gpt-4o-mini", "o4-mini"],
        "Speech models (`/say`)": ["gpt-4o-mini-tts"],
    }
    assert (await run_command(member, "/models", search="no such thing")).text == "No model has that in its name."


async def test_only_allowed_models_are_listed_offered_and_taken() -> None:
    async with Sandbox({"ALLOWED_MODELS": "gpt-4.1*, tts-1, dall-e-3"}) as sandbox:
        await _stocked(sandbox)
        ada = sandbox.user("Ada")
        assert list(_listed(await run_command(ada, "/models")).values()) == [
            ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"],
            ["tts-1"],
            ["dall-e-3"],
        ]
        assert await _offered(ada, "/ask", "model", "4o") == []
        await ask(ada, "allowed?", model="gpt-4.1-mini")
        assert [call.body["model"] for call in sandbox.openai.calls("chat")] == ["gpt-4.1-mini"]
        _assert_refused(
            sandbox, await run_command(ada, "/ask", prompt="refused?", model="gpt-4o"), "can't be chosen here"
        )
        _assert_refused(
            sandbox, await run_command(sandbox.user("Mo"), "/channel model", model="gpt-4o"), "can't be chosen here"
        )
        assert len(sandbox.openai.calls("chat")) == 1


async def test_the_operators_word_on_what_a_model_is_for_goes_first() -> None:
    async with Sandbox({"SPEECH_MODELS": "whisper-1", "CHAT_MODELS": "gpt-image-1"}) as sandbox:
        await _stocked(sandbox)
        ada = sandbox.user("Ada")
        assert await _offered(ada, "/say", "model", "whisper") == ["whisper-1"]
        assert await _offered(ada, "/ask", "model", "image") == ["gpt-image-1"]
        assert await _offered(ada, "/draw", "model", "image") == []


async def test_choices_are_of_the_right_kind_and_match_anywhere_in_the_name(member: ClientUser) -> None:
    assert await _offered(member, "/ask", "model", "mini") == ["gpt-4.1-mini", "gpt-4o-mini", "o4-mini"]
    assert await _offered(member, "/say", "model", "") == ["gpt-4o-mini-tts", "tts-1", "tts-1-hd"]
    assert await _offered(member, "/draw", "model", "E-") == ["dall-e-2", "dall-e-3", "gpt-image-1"]
    assert await _offered(member, "/say", "voice", "LO") == ["alloy"]
    assert await _offered(member, "/ask", "model", "embedding") == []


async def test_of_many_models_twenty_five_are_offered_and_all_fit_in_a_list() -> None:
    openai = OpenAiServer()
    openai.models = [f"house-model-{number:03}" for number in range(200)]
    async with Sandbox(openai=openai) as sandbox:
        await _stocked(sandbox)
        ada = sandbox.user("Ada")
        offered = await _offered(ada, "/ask", "model", "model")
        assert offered == [f"house-model-{number:03}" for number in range(25)]
        assert await _offered(ada, "/ask", "model", "199") == ["house-model-199"]
        listed = await run_command(ada, "/models")
        assert len(listed.text) <= 2000
        assert listed.text.endswith("…and more: add a `search`.")


async def test_choices_come_from_memory_while_the_list_cannot_be_had() -> None:
    openai = OpenAiServer()
    openai.faults.always("models", Hang())
    async with Sandbox({"ALLOWED_MODELS": "gpt-4.1,gpt-4o"}, openai=openai) as sandbox:
        assert await _offered(sandbox.user("Ada"), "/ask", "model", "4o") == ["gpt-4o"]
        used = await ask(sandbox.user("Ada"), "all the same?", model="gpt-4o")
        assert used.text
        openai.faults.release()


async def test_ask_uses_the_model_named_and_refuses_one_for_something_else(
    sandbox: Sandbox, member: ClientUser
) -> None:
    await ask(member, "which model?", model="gpt-4o-mini")
    assert _newest(sandbox, "chat").body["model"] == "gpt-4o-mini"
    _assert_refused(
        sandbox, await run_command(member, "/ask", prompt="and this?", model="dall-e-3"), "can't answer questions"
    )
    _assert_refused(sandbox, await run_command(member, "/say", text="and this?", model="gpt-4.1"), "can't speak")
    _assert_refused(sandbox, await run_command(member, "/draw", prompt="and this?", model="tts-1"), "can't make images")


# ---------------------------------------------------------------- /channel model


async def test_a_moderator_chooses_the_channels_models_for_each_kind(sandbox: Sandbox, member: ClientUser) -> None:
    mo, place = sandbox.user("Mo"), "random"
    for kind, model in (("chat", "gpt-4.1-nano"), ("speech", "tts-1-hd"), ("image", "gpt-image-1")):
        shown = await run_command(mo, "/channel model", model=model, kind=kind, channel=place)
        assert shown.private
        assert f"`{model}`" in shown.text
    await ask(member, "which?", channel=place)
    await run_command(member, "/say", text="which?", channel=place)
    await run_command(member, "/draw", prompt="which?", channel=place)
    newest = [_newest(sandbox, kind).body["model"] for kind in ("chat", "speech", "images")]
    assert newest == ["gpt-4.1-nano", "tts-1-hd", "gpt-image-1"]
    await ask(member, "and here?", channel="general")
    assert _newest(sandbox, "chat").body["model"] == "gpt-4.1"


async def test_a_thread_has_its_channels_model(sandbox: Sandbox, member: ClientUser) -> None:
    mo = sandbox.user("Mo")
    await run_command(mo, "/channel model", model="gpt-4o-mini", channel="a thread")
    await ask(member, "here?", channel="general")
    await ask(member, "in the thread?", channel="a thread")
    assert [call.body["model"] for call in sandbox.openai.calls("chat")[-2:]] == ["gpt-4o-mini", "gpt-4o-mini"]
    await run_command(mo, "/channel model", model="gpt-4.1", channel="general")


async def test_a_model_for_something_else_is_not_taken_for_a_channel(sandbox: Sandbox) -> None:
    mo = sandbox.user("Mo")
    shown = await run_command(mo, "/channel model", model="tts-1", kind="image", channel="general")
    _assert_refused(sandbox, shown, "can't make images")
    _assert_refused(
        sandbox, await run_command(mo, "/channel model", model="nonsense", channel="general"), "can't be chosen"
    )


async def test_the_choices_for_a_channel_are_of_the_kind_already_picked(sandbox: Sandbox) -> None:
    mo = sandbox.user("Mo")
    assert await _offered(mo, "/channel model", "model", "1", kind="speech") == ["tts-1", "tts-1-hd"]
    assert await _offered(mo, "/channel model", "model", "nano") == ["gpt-4.1-nano"]


async def test_a_member_may_not_choose_even_where_discord_lets_the_command_through(
    sandbox: Sandbox, member: ClientUser
) -> None:
    with pytest.raises(ClientRejected, match="not offered"):
        await member.command("/channel model", model="gpt-4o")
    shown = await wait_until_final(await member.command("/channel model", model="gpt-4o", force=True))
    _assert_refused(sandbox, shown, "Manage Channels")
    await ask(member, "unchanged?")
    assert _newest(sandbox, "chat").body["model"] == "gpt-4.1"


async def test_the_right_counts_in_the_channel_at_that_moment(sandbox: Sandbox, member: ClientUser) -> None:
    mo, place = sandbox.user("Mo"), sandbox.state.add_channel(sandbox.state.guild(), f"place-{member.id}")
    sandbox.discord.gateway.dispatch_guild(sandbox.state.guild())
    someone = sandbox.state.guild().members[member.id]
    sandbox.state.overwrite(place, sandbox.state.guild().members[mo.id], deny=int(Permission.MANAGE_CHANNELS))
    sandbox.state.overwrite(place, someone, allow=int(Permission.MANAGE_CHANNELS))
    refused = await wait_until_final(await mo.command("/channel model", model="gpt-4o", channel=place, force=True))
    _assert_refused(sandbox, refused, "Manage Channels")
    taken = await wait_until_final(await member.command("/channel model", model="gpt-4o", channel=place))
    assert "`gpt-4o`" in taken.text


# ---------------------------------------------------------------- /say


async def test_say_gives_one_mp3_that_can_be_played(sandbox: Sandbox, member: ClientUser) -> None:
    used = await run_command(member, "/say", text="The tide is coming in.")
    sound = _only_file(used)
    assert (sound.filename, sound.media_type) == ("speech.mp3", "audio/mpeg")
    assert _seconds(sound.data) > 0.5
    asked = _newest(sandbox, "speech").body
    assert (asked["model"], asked["input"], asked["voice"]) == ("tts-1", "The tide is coming in.", "alloy")
    assert used.text == ""
    assert not used.private


async def test_say_uses_the_voice_named_or_the_operators(sandbox: Sandbox, member: ClientUser) -> None:
    await run_command(member, "/say", text="Deeply.", voice="Onyx")
    assert _newest(sandbox, "speech").body["voice"] == "onyx"
    async with Sandbox({"DEFAULT_SPEECH_VOICE": "nova", "DEFAULT_SPEECH_MODEL": "tts-1-hd"}) as other:
        await run_command(other.user("Ada"), "/say", text="Brightly.")
        body = _newest(other, "speech").body
        assert (body["voice"], body["model"]) == ("nova", "tts-1-hd")


async def test_a_long_text_is_requested_in_pieces_and_joined_in_their_order(
    sandbox: Sandbox, member: ClientUser
) -> None:
    text = "".join(f"Sentence {number} tells of the sea. " for number in range(1, 170))
    first, second = mp3(2.0, kbits=64), mp3(3.0, kbits=32)
    assert 4096 < len(text) < 6000
    # The first piece comes last.
    sandbox.openai.faults.next("speech", Slow(first_s=0.5), Body(first, "audio/mpeg"), when=_begins("Sentence 1 "))
    sandbox.openai.faults.next("speech", Body(second, "audio/mpeg"), when=_begins("Sentence"))
    calls = len(sandbox.openai.calls("speech"))
    sound = _only_file(await run_command(member, "/say", text=text, channel="dm")).data
    inputs = sorted((call.body["input"] for call in sandbox.openai.calls("speech")[calls:]), key=text.index)
    assert len(inputs) == 2
    assert all(len(each) <= 4096 and each.endswith(".") for each in inputs)
    assert " ".join(inputs) == text.strip()
    assert _seconds(sound) == pytest.approx(_seconds(first) + _seconds(second), abs=0.2)
    assert 0 < sound.find(_middle(first)) < sound.find(_middle(second))
    assert (await usage(member, "dm"))["spoken characters"] == sum(map(len, inputs))


@pytest.mark.parametrize(
    "text", ["…?!", "🎉🎉", "<@123456789012345678>", "https://example.org/a", "||psst||", "```\n```"]
)
async def test_with_nothing_to_say_no_request_is_made(sandbox: Sandbox, member: ClientUser, text: str) -> None:
    calls = len(sandbox.openai.requests)
    _assert_refused(sandbox, await run_command(member, "/say", text=text), "nothing in that text that I can say")
    assert len(sandbox.openai.requests) == calls


# ---------------------------------------------------------------- /draw


async def test_a_model_that_draws_one_at_a_time_is_asked_for_all_of_them_at_once(
    sandbox: Sandbox, member: ClientUser
) -> None:
    calls = len(sandbox.openai.calls("images"))
    for _ in range(4):
        sandbox.openai.faults.next("images", Hang(), when=_about("a lighthouse"))
    used = await member.command("/draw", prompt="a lighthouse", n=4, channel="dm")
    await sandbox.openai.until(lambda: sum(call.running for call in sandbox.openai.calls("images")) == 4, DEADLINE_S)
    sandbox.openai.faults.release()
    await wait_until_final(used)
    asked = [call.body for call in sandbox.openai.calls("images")[calls:]]
    assert [(body["model"], body.get("n", 1)) for body in asked] == [("dall-e-3", 1)] * 4
    assert [each.filename for each in _files(used)] == [f"image-{number}.png" for number in range(1, 5)]
    assert len({each.data for each in _files(used)}) == 4
    assert (await usage(member, "dm"))["images"] == 4


async def test_a_model_that_draws_several_at_once_is_asked_once(sandbox: Sandbox, member: ClientUser) -> None:
    calls = len(sandbox.openai.calls("images"))
    used = await run_command(member, "/draw", prompt="a gull", n=3, model="gpt-image-1", spoiler=True)
    assert [call.body["n"] for call in sandbox.openai.calls("images")[calls:]] == [3]
    assert [each.filename for each in _files(used)] == [f"SPOILER_image-{number}.png" for number in range(1, 4)]
    assert all(each.spoiler for each in _files(used))


@pytest.mark.parametrize("n", [1, 2])
async def test_the_pictures_come_in_one_message_with_the_prompt_as_alt_text(
    sandbox: Sandbox, member: ClientUser, n: int
) -> None:
    prompt = "  An old harbour – at dusk, with “lanterns”  "
    used = await run_command(member, "/draw", prompt=prompt, n=n)
    assert [entry.method for entry in edits_of(sandbox, used)] == ["PATCH"]
    assert [each.description for each in _files(used)] == [prompt.strip()] * n
    assert not any(each.spoiler for each in _files(used))
    assert all(each.width == each.height == 1024 for each in _files(used))
    assert (used.text, used.private) == ("", False)


async def test_the_alt_text_of_a_long_prompt_is_as_long_as_discord_takes(member: ClientUser) -> None:
    used = await run_command(member, "/draw", prompt="a boat " * 500)
    description = _files(used)[0].description
    assert description is not None
    assert len(description) == 1024


async def test_failed_images_show_an_error_and_are_refunded(sandbox: Sandbox) -> None:
    person = sandbox.join("Draws three")
    sandbox.openai.faults.next("images", CONTENT_POLICY, when=_about("three boats"))
    used = await run_command(person, "/draw", prompt="three boats", n=3, channel="dm")
    assert [each.filename for each in _files(used)] == ["image-1.png", "image-2.png"]
    assert used.text.startswith("1 of the 3 images is missing. The AI service declined this")
    assert (await usage(person, "dm"))["images"] == 2


async def test_sizes_are_offered_for_the_model_and_others_may_be_typed(sandbox: Sandbox, member: ClientUser) -> None:
    assert await _offered(member, "/draw", "size", "") == ["1024x1024", "1792x1024", "1024x1792"]
    assert await _offered(member, "/draw", "size", "auto", model="gpt-image-1") == ["auto"]
    assert await _offered(member, "/draw", "size", "512", model="dall-e-2") == ["512x512"]
    used = await run_command(member, "/draw", prompt="wide", size="1792 × 1024")
    assert _newest(sandbox, "images").body["size"] == "1792x1024"
    assert (_files(used)[0].width, _files(used)[0].height) == (1792, 1024)
    other = await run_command(member, "/draw", prompt="odd", size="777x111")
    assert _newest(sandbox, "images").body["size"] == "777x111"
    assert "couldn't work with this request" in other.text


async def test_without_a_size_none_is_sent(sandbox: Sandbox, member: ClientUser) -> None:
    await run_command(member, "/draw", prompt="as you like")
    assert "size" not in _newest(sandbox, "images").body


async def test_pictures_given_by_address_are_fetched(sandbox: Sandbox, member: ClientUser) -> None:
    sandbox.openai.image_generator.by_url = True
    try:
        used = await run_command(member, "/draw", prompt="by post", n=2)
    finally:
        sandbox.openai.image_generator.by_url = False
    assert [each.width for each in _files(used)] == [1024, 1024]
    assert "example" not in used.text


async def test_pictures_and_speech_over_the_limit_are_made_to_fit() -> None:
    limit = 16_000
    async with Sandbox(attachment_size_limit=limit) as sandbox:
        used = await run_command(sandbox.user("Ada"), "/draw", prompt="in small", n=2)
        assert len(_files(used)) == 2
        for each in _files(used):
            assert each.size <= limit
            assert each.filename.endswith(".webp")
            with Image.open(io.BytesIO(each.data)) as picture:
                assert picture.format == "WEBP"
                assert picture.width == picture.height >= 64
        sandbox.openai.faults.next("speech", Body(mp3(4.0, kbits=64), "audio/mpeg"))
        sound = _only_file(await run_command(sandbox.user("Ada"), "/say", text="In small."))
        assert sound.size <= limit
        assert _seconds(sound.data) == pytest.approx(4.0, abs=0.3)


# ---------------------------------------------------------------- help, direct messages, refusals


async def test_help_lists_what_the_asker_can_use_to_click_on(sandbox: Sandbox, member: ClientUser) -> None:
    for person, where, more in (
        (member, "general", IN_SERVERS),
        (member, "dm", ["history clear"]),
        (sandbox.user("Mo"), "general", MODERATORS),
    ):
        used = await run_command(person, "/help", channel=where)
        await used.until(_shows_all(more[-1:]))
        assert all(message.ephemeral for message in used.messages)
        links = dict(re.findall(r"^- </([a-z ]+):(\d+)>: \S", used.text, re.MULTILINE))
        assert sorted(links) == sorted([*EVERYONES, *more])
        numbers = {command["name"]: command["id"] for command in sandbox.discord.commands.commands.values()}
        assert all(numbers[name.split()[0]] == number for name, number in links.items())


async def test_everything_but_the_channel_settings_works_in_direct_messages(
    sandbox: Sandbox, member: ClientUser
) -> None:
    assert (await ask(member, "here too?", channel="dm")).text
    assert _only_file(await run_command(member, "/say", text="Here too.", channel="dm")).filename == "speech.mp3"
    assert len(_files(await run_command(member, "/draw", prompt="here too", channel="dm"))) == 1
    for command in ("/models", "/usage", "/help"):
        assert (await run_command(member, command, channel="dm")).text
    assert "**Your direct messages, today**" in (await run_command(member, "/usage", channel="dm")).text
    assert not member.is_offered("/channel model", "dm")
    assert not sandbox.user("Mo").is_offered("/channel model", "dm")
    assert sandbox.user("Mo").is_offered("/channel model", "general")


@pytest.mark.parametrize(
    ("command", "options", "reason"),
    [
        ("/ask", {"prompt": "hm", "model": "nonsense"}, "can't be chosen here"),
        ("/ask", {"prompt": "   "}, "Ask me something"),
        ("/say", {"text": "hm", "voice": "no such voice!"}, "can't be a voice's name"),
        ("/draw", {"prompt": "   "}, "Describe the image"),
        ("/draw", {"prompt": "hm", "size": "as big as a house"}, "can't read that size"),
        ("/usage", {"scope": "server"}, "Manage Server"),
    ],
)
async def test_a_refusal_is_the_first_response_and_private(
    sandbox: Sandbox, member: ClientUser, command: str, options: dict[str, str], reason: str
) -> None:
    calls = len(sandbox.openai.requests)
    _assert_refused(sandbox, await run_command(member, command, **options), reason)
    assert len(sandbox.openai.requests) == calls


async def test_discord_itself_refuses_more_than_four_pictures(member: ClientUser) -> None:
    with pytest.raises(ClientRejected, match="from 1 to 4"):
        await member.command("/draw", prompt="many", n=5)


async def _stocked(sandbox: Sandbox) -> None:
    """Wait until the bot has been given the list of models."""
    await sandbox.openai.until(lambda: any(not call.running for call in sandbox.openai.calls("models")), DEADLINE_S)


def _assert_refused(sandbox: Sandbox, used: InteractionResult, reason: str) -> None:
    """A sentence for this person alone, said at once: no "thinking…" came before it and nothing after."""
    assert reason in used.text
    assert used.interaction.response_type is CallbackType.MESSAGE
    assert used.private
    assert len(used.messages) == 1
    assert [entry.method for entry in sent_for(sandbox, used)] == ["POST"]
    assert not re.search(r"[{}\n]|Error|Traceback", used.text)


async def _offered(person: ClientUser, command: str, option: str, typed: str, **others: Any) -> list[str]:
    return [choice["value"] for choice in await person.completes(command, option=option, typed=typed, **others)]


def _listed(used: InteractionResult) -> dict[str, list[str]]:
    """The models in `/models`, by heading."""
    lists: dict[str, list[str]] = {}
    for line in used.text.split("\n"):
        if line.startswith("**"):
            names = lists.setdefault(line.strip("*"), [])
        else:
            names.append(line.removeprefix("- ").strip("`"))
    return lists


def _newest(sandbox: Sandbox, kind: str) -> ApiCall:
    return sandbox.openai.calls(kind)[-1]


def _files(used: InteractionResult) -> Sequence[Attachment]:
    assert len(used.messages) == 1
    return used.messages[0].attachments


def _shows_all(commands: list[str]) -> Callable[[InteractionResult], bool]:
    return lambda each: all(f"</{name}:" in each.text for name in commands)


def _only_file(used: InteractionResult) -> Attachment:
    (file,) = _files(used)
    return file


def _seconds(sound: bytes) -> float:
    """How long it plays, by decoding all of it."""
    with av.open(io.BytesIO(sound), "r") as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def _middle(sound: bytes) -> bytes:
    """A stretch that tells two sounds apart."""
    return sound[len(sound) // 2 :][:400]


def _begins(words: str) -> RequestFilter:
    def when(body: Json) -> bool:
        text: str = body["input"]
        return text.startswith(words)

    return when


def _about(words: str) -> RequestFilter:
    def when(body: Json) -> bool:
        return words in body["prompt"]

    return when
