"""The prompt's own commands, without a bot."""

import io
from pathlib import Path

import pytest

from sandbox.discord.messages import Attachment
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Status
from sandbox.sandbox import Sandbox
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.repl import Repl


class Typist:
    """A prompt on a sandbox that was not started."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox()
        self.screen = io.StringIO()
        self.repl = Repl(self.sandbox, TerminalOutput(self.screen), OutputFolder(folder))

    async def type(self, line: str) -> str:
        """Type a line and return what is written."""
        before = len(self.screen.getvalue())
        await self.repl.run_line(line)
        return self.screen.getvalue()[before:].strip()


@pytest.fixture
async def typist(tmp_path: Path) -> Typist:
    return Typist(tmp_path)


async def test_one_can_be_somebody_else_somewhere_else(typist: Typist) -> None:
    assert typist.repl.prompt == "Ada #general> "
    await typist.type("/as ben")
    await typist.type("/in #random")
    assert typist.repl.prompt == "Ben #random> "
    await typist.type("/as moderator")
    await typist.type("/in dm")
    assert typist.repl.prompt == "Mo dm> "


async def test_direct_messages_are_each_persons_own(typist: Typist) -> None:
    await typist.type("/in dm")
    assert await typist.type("hello from Ada") != ""
    await typist.type("/as Ben")
    assert await typist.type("/look") == ""


async def test_the_bot_is_mentioned_in_any_case_and_as_a_whole_word(typist: Typist) -> None:
    for line in ("@bot hello", "@Bot hello"):
        assert "@Sandbox Bot hello" in await typist.type(line)
    assert "@bottle" in await typist.type("@bottle")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/as Zoe", "Say who to be: /as NAME. There are: Owner, Ada, Ben, Cleo, Mo."),
        ("/in #nowhere", "Say where to go: /in #CHANNEL. There are: #general, #random, #a thread, Lounge, "),
        ("/nonsense", "There is no command /nonsense. Type ? to see what there is."),
        ("/fault chat sneeze", "There is no such fault for chat."),
        ("/fault voice sneeze", "There is no such fault for voice. There are: 4006, "),
        ("/fault voice cut", "That can't happen now: the bot has no voice connection there."),
        ("/leave", "Ada is in no voice channel."),
        ("/hear", "Nothing was to be heard."),
        ("/press Stop", "Say which button: /press NAME. There are: none."),
        ("/fill a cat", "Open a form first, then say what to write: /fill TEXT."),
        ("/kick", "Discord would not let you: the bot is in no voice channel."),
        ("/fault chat 429 often", "How often? A number up to 1000, or always."),
    ],
)
async def test_a_slip_gets_a_sentence(typist: Typist, line: str, told: str) -> None:
    assert (await typist.type(line)).startswith(told)


async def test_faults_are_ordered_by_name(typist: Typist) -> None:
    faults = typist.sandbox.openai.faults
    assert await typist.type("/fault chat 503 2") == "The next 2 chat calls will meet 503."
    assert await typist.type("/fault speech 429 always") == "Every speech call will meet 429, until /fault off."
    assert isinstance(faults.take(CallKind.CHAT, {})[0], Status)
    await typist.type("/fault off")
    assert faults.take(CallKind.CHAT, {}) == faults.take(CallKind.SPEECH, {}) == ()


async def test_faults_are_listed_by_kind(typist: Typist) -> None:
    told = await typist.type("/fault")
    assert [line.split(":")[0].strip() for line in told.splitlines()] == [
        "/fault chat",
        "/fault speech",
        "/fault images",
        "/fault models",
        "/fault voice",
    ]


async def test_plain_text_is_said_and_can_be_looked_at(typist: Typist) -> None:
    assert await typist.type("Good morning") == "Ada\n  Good morning"
    assert "Good morning" in await typist.type("/look")


async def test_people_and_places_are_listed(typist: Typist) -> None:
    told = await typist.type("/people")
    assert "Mo (moderator)" in told
    assert "Ben\n" in told
    assert told.endswith("Places: #general, #random, #a thread, Lounge, Other lounge, Small room, Stage, dm")


async def test_help_lists_what_the_bot_registered(typist: Typist) -> None:
    prompt = {"type": 3, "name": "prompt", "description": "What to ask", "required": True}
    typist.sandbox.discord.commands.replace(
        [{"type": 1, "name": "ask", "description": "Ask me something", "options": [prompt]}]
    )
    told = await typist.type("?")
    assert "/ask prompt:  Ask me something" in told
    assert (await typist.type("/ask")).startswith("/ask needs prompt.")


def test_files_of_one_run_do_not_overwrite_each_other(tmp_path: Path) -> None:
    files = [Attachment(number, "a.mp3", bytes([number]), "audio/mpeg", "") for number in (1, 2)]
    for _ in range(2):
        folder = OutputFolder(tmp_path / "out")
        assert [folder.save(file) for file in files] == ["a.mp3", "a-2.mp3"]
    assert (tmp_path / "out" / "a-2.mp3").read_bytes() == b"\x02"
