"""Files on questions: pictures are looked at, texts are read, and what can't be used is refused before it costs."""

import io
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from bot.messages import answers as texts
from bot.messages.render import render
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.chat import get_images, get_text
from sandbox.openai.faults import NO_IMAGE_INPUT, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, ask, mention, question_contains, run_command, sent_questions
from tests.support.make_picture import picture
from tests.support.observations import usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROGRAM = "def tide():\n    return 'ebb' # ```\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(ANY_NUMBER) as sandbox:
        yield sandbox


@pytest.fixture
def member(sandbox: Sandbox) -> ClientUser:
    """Somebody who has sent nothing yet."""
    return sandbox.join(f"Member {sandbox.traffic_log.number}")


async def test_a_picture_on_ask_goes_to_the_model_and_later_its_name_alone(
    sandbox: Sandbox, member: ClientUser
) -> None:
    shot = member.uploads("shot.png", picture(4000, 1000))
    used = await ask(member, "What is this?", attachment=shot, channel="dm")
    assert used.text == sandbox.openai.calls(CallKind.CHAT)[-1].answer
    question = sandbox.openai.calls(CallKind.CHAT)[-1].messages[-1]
    (seen,) = get_images(question)
    assert Image.open(io.BytesIO(seen)).size == (1536, 384)
    assert json.loads(get_text(question).split("\n")[0])["files"] == ["shot.png"]
    await ask(member, "And its colour?", channel="dm")
    first, _, second = sandbox.openai.calls(CallKind.CHAT)[-1].messages[1:]
    assert json.loads(first["content"].split("\n")[0]) == {"speaker": member.name, "files": ["shot.png"]}
    assert sent_questions(sandbox.openai.calls(CallKind.CHAT)[-1]) == ["What is this?", "And its colour?"]
    assert "files" not in second["content"]
    exported = await run_command(member, "/history export", format="json", channel="dm")
    turns = json.loads(exported.messages[0].attachments[0].data)["turns"]
    assert [turn["files"] for turn in turns] == [["shot.png"], []]


async def test_a_program_on_ask_is_read(sandbox: Sandbox, member: ClientUser) -> None:
    await ask(member, "What does it do?", attachment=member.uploads("tide.py", PROGRAM.encode()), channel="dm")
    words = get_text(sandbox.openai.calls(CallKind.CHAT)[-1].messages[-1])
    assert words.endswith(f'What does it do?\n\nFile "tide.py":\n````py\n{PROGRAM}````')


async def test_files_on_a_mention_go_along_and_need_no_words(sandbox: Sandbox, member: ClientUser) -> None:
    said = await mention(member, "", files={"a.jpg": picture(64, 64, kind="JPEG"), "b.txt": "Grüße".encode("utf-16")})
    question = sandbox.openai.calls(CallKind.CHAT)[-1].messages[-1]
    assert len(get_images(question)) == 1
    assert get_text(question).endswith('File "b.txt":\n```txt\nGrüße\n```')
    assert said.text == sandbox.openai.calls(CallKind.CHAT)[-1].answer


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("song.mp3", b"ID3", "I can't read `song.mp3`"),
        ("long.log", b"x" * 70_000, "`long.log` is too large for me"),
    ],
    ids=["kind", "size"],
)
async def test_what_cannot_be_used_is_named_privately_and_costs_nothing(
    sandbox: Sandbox, member: ClientUser, name: str, data: bytes, told: str
) -> None:
    calls = len(sandbox.openai.requests)
    refused = await ask(member, "And this?", attachment=member.uploads(name, data), channel="dm")
    assert refused.private
    assert told in refused.text
    assert told in (await mention(member, "And this?", files={name: data}, channel="dm")).text
    assert len(sandbox.openai.requests) == calls
    assert (await usage(member, "dm"))["messages"] == 0


async def test_what_turns_out_to_be_something_else_costs_nothing_either(sandbox: Sandbox, member: ClientUser) -> None:
    calls = len(sandbox.openai.requests)
    for name, data in (("fake.png", b"no picture at all"), ("program", b"\x7fELF\x02\x01\x00\x00")):
        refused = await ask(member, "And this?", attachment=member.uploads(name, data), channel="dm")
        assert f"I can't read `{name}`" in refused.text
        assert not refused.thinking
    gone = member.uploads("gone.txt", b"words")
    del sandbox.state.attachments[gone.id]
    assert (await ask(member, "And this?", attachment=gone, channel="dm")).text == render(texts.download_failed())
    assert len(sandbox.openai.requests) == calls
    assert (await usage(member, "dm"))["messages"] == 0


@pytest.mark.parametrize("fault", [NO_IMAGE_INPUT, Status(400)], ids=["said so", "said nothing"])
async def test_a_model_that_takes_no_pictures_is_said_to(sandbox: Sandbox, member: ClientUser, fault: Status) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, fault, when=question_contains("Look!"))
    shot = member.uploads("shot.png", picture(64, 64))
    used = await ask(member, "Look!", attachment=shot, channel="dm")
    assert used.text == "This model can't look at images. Ask without them, or pick another model."
    assert (await usage(member, "dm"))["messages"] == 0
