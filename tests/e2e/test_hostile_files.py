"""Files and sound made to harm: one plain sentence for who sent them, and nobody else notices."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.user import ClientUser
from sandbox.discord.messages import Attachment
from sandbox.openai.calls import CallKind
from sandbox.openai.chat import get_images
from sandbox.openai.faults import Body
from sandbox.sandbox import Sandbox
from tests.support.context_menus import READ
from tests.support.e2e import ANY_NUMBER, all_of, ask, run_command, wait_until_final
from tests.support.make_picture import many_scans, picture, with_text_chunk
from tests.support.make_sound import SOUNDLESS, sound
from tests.support.observations import usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOMBS = {
    "pixels.webp": picture(7071, 7071, kind="WEBP", mode="RGBA", lossless=True),
    "pixels.png": picture(9000, 9000, mode="1"),
    "scans.jpg": many_scans(4000, side=2000),
    "nothing.gif": b"GIF89a" + b"\xff" * 2000,
}
NO_SOUND = "The AI service sent back something I can't use. Please try again."


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(ANY_NUMBER) as sandbox:
        yield sandbox


@pytest.fixture
def member(sandbox: Sandbox) -> ClientUser:
    """Somebody who has sent nothing yet."""
    return sandbox.join(f"Member {sandbox.traffic_log.number}")


def uploaded(person: ClientUser, name: str, data: bytes) -> Attachment:
    """A file of which Discord tells nothing that would give it away."""
    return replace(person.uploads(name, data), width=None, height=None)


async def test_picture_bombs_end_in_a_sentence_while_others_are_served(sandbox: Sandbox, member: ClientUser) -> None:
    other = sandbox.join("Somebody else")
    attack = [
        await member.command("/ask", prompt="What is it?", attachment=uploaded(member, name, data), channel="dm")
        for name, data in BOMBS.items()
    ]
    drawn, said = await all_of(
        (run_command(other, "/draw", prompt="a boat"), run_command(other, "/say", text="Hello there."))
    )
    assert drawn.messages[0].attachments
    assert said.messages[0].attachments
    for name, used in zip(BOMBS, await all_of(map(wait_until_final, attack)), strict=True):
        assert used.text == render(answers.unreadable_type(f"`{name}`"))
        assert not used.thinking
    assert (await usage(member, "dm"))["messages"] == 0


async def test_a_picture_with_a_large_workflow_is_looked_at(sandbox: Sandbox, member: ClientUser) -> None:
    data = with_text_chunk(picture(64, 48), b"w" * 2 * 2**20)
    used = await ask(member, "What is it?", attachment=member.uploads("comfy.png", data), channel="dm")
    (call,) = [each for each in sandbox.openai.calls(CallKind.CHAT) if each.answer == used.text][-1:]
    assert len(get_images(call.messages[-1])) == 1


@pytest.mark.parametrize("name", ["long.txt", "long.png"])
async def test_a_file_that_is_larger_than_discord_tells_is_not_read_on(
    sandbox: Sandbox, member: ClientUser, name: str
) -> None:
    told = member.uploads(name, b"words")
    sandbox.state.attachments[told.id] = replace(told, data=b"x" * 21 * 2**20)
    refused = await ask(member, "And this?", attachment=told, channel="dm")
    assert refused.text.startswith(f"`{name}` is too large for me. ")
    assert (await usage(member, "dm"))["messages"] == 0


@pytest.mark.parametrize("body", SOUNDLESS.values(), ids=SOUNDLESS)
async def test_speech_without_sound_shows_an_error_and_costs_nothing(
    sandbox: Sandbox, member: ClientUser, body: bytes
) -> None:
    sandbox.openai.faults.next(CallKind.SPEECH, Body(body, "audio/mpeg"), times=2)
    said = await run_command(member, "/say", text="Hello there.", channel="dm")
    assert said.text == NO_SOUND
    assert not said.messages[0].attachments
    read = await wait_until_final(await member.uses_menu(READ, await member.says("Read me.", channel="dm")))
    assert read.text == NO_SOUND
    assert not read.messages[0].attachments
    assert (await usage(member, "dm"))["spoken characters"] == 0


async def test_speech_that_comes_as_wav_is_an_mp3(sandbox: Sandbox, member: ClientUser) -> None:
    sandbox.openai.faults.next(CallKind.SPEECH, Body(sound("wav", 1.0), "audio/wav"))
    said = await run_command(member, "/say", text="Hello there.", channel="dm")
    (file,) = said.messages[0].attachments
    assert file.filename == "speech.mp3"
    assert not file.data.startswith(b"RIFF")
