"""The prompt's words about voice, with a bot that sings."""

import io
import re
from pathlib import Path

import pytest

from sandbox.sandbox import Sandbox
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.repl import Repl
from tests.sandbox.echo_bot import running
from tests.sandbox.voice_bot import Playback, ToneSource, VoiceBot, get_group


async def test_one_joins_hears_and_makes_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, screen, voice_bot = Sandbox(dave=True), io.StringIO(), VoiceBot()
    repl = Repl(sandbox, TerminalOutput(screen), OutputFolder(tmp_path))

    async def told(line: str) -> str:
        before = len(screen.getvalue())
        await repl.run_line(line)
        return screen.getvalue()[before:].strip()

    async with sandbox.discord, running(voice_bot, sandbox.discord, monkeypatch):
        assert await told("/join #random") == (
            "Say where to go: /join CHANNEL. There are: Lounge, Other lounge, Small room, Stage."
        )
        client = await voice_bot.join(sandbox.discord)
        song = ToneSource([440.0] * 5)
        count = len(song.packets) + 5
        await Playback(client, song).over()
        await sandbox.voice.until(lambda heard: len(heard) == count)
        assert await told("/hear") == "No one heard anything: no listeners."
        assert await told("/join lounge") == "Ada is in Lounge."
        assert "Ada (in Lounge)" in await told("/people")
        await sandbox.voice.changed.until(
            lambda: get_group(sandbox.voice).executed, deadline_s=5, what="Ada in the bot's group"
        )
        await Playback(client, ToneSource([440.0] * 5)).over()
        await sandbox.voice.until(lambda heard: len(heard) == 2 * count)
        saved, _, stalls = (await told("/hear")).rpartition(", ")
        assert saved == f"saved as {tmp_path / 'heard.wav'}: {count / 50:.1f} s"
        assert stalls == "no stalls" or re.fullmatch("[0-9]+ stalls?", stalls)  # a busy machine sends with pauses
        assert (tmp_path / "heard.wav").stat().st_size > 48_000
        assert await told("/kick") == "Discord would not let you: Ada may not do that there."
        await told("/as Mo")
        assert await told("/move Other lounge") == "The bot is in Other lounge."
        assert await told("/fault voice refused") == "The next connection meets refused."
        await told("/fault off")
        assert sandbox.voice.faults.take_close_code() is None
        assert await told("/kick") == "The bot is out of voice."
        await told("/as Ada")
        assert await told("/leave") == "Ada is out of voice."


async def test_where_there_is_no_voice_it_says_so(tmp_path: Path) -> None:
    screen = io.StringIO()
    repl = Repl(Sandbox(voice=False), TerminalOutput(screen), OutputFolder(tmp_path))
    await repl.run_line("/join Lounge")
    assert "There is no voice here" in screen.getvalue()
