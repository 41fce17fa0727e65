"""The tour and the prompt with the real bot behind them."""

import asyncio
import io
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from sandbox.bot_process import CHECKOUT
from sandbox.sandbox import Sandbox
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.tour import Tour


async def play(env: dict[str, str], folder: Path) -> tuple[bool, str]:
    screen = io.StringIO()
    async with Sandbox(env) as sandbox:
        good = await Tour(sandbox, TerminalOutput(screen), OutputFolder(folder), pace_s=0.0).play()
    return good, screen.getvalue()


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def test_every_step_of_the_tour_does_what_it_should(tmp_path: Path) -> None:
    good, told = await play({}, tmp_path)
    assert good, told
    assert re.search(r"All \d+ steps did what they should", told)
    assert "✗" not in told
    files = kept(tmp_path)
    assert [Path(name).suffix for name in files] == [".wav", ".wav", ".png", ".png", ".mp3"]
    for picture in (data for name, data in files.items() if name.endswith(".png")):
        with Image.open(io.BytesIO(picture)) as opened:
            assert opened.size == (1024, 1024)


async def test_a_step_that_fails_is_marked_and_the_tour_goes_on(tmp_path: Path) -> None:
    good, told = await play({"QUOTA_MEMBER_IMAGES_PER_DAY": "1"}, tmp_path)
    assert not good
    assert told.count("✗") == 1
    assert "✗ 0 files came, not 2: " in told
    assert re.search(r"1 of \d+ steps went wrong", told)
    assert told.index("✗") < told.index("The bot is asked to stop")


@pytest.mark.parametrize("ending", ["/quit\n", ""], ids=["quit", "end of input"])
async def test_the_prompt_obeys_and_leaves_cleanly(tmp_path: Path, ending: str) -> None:
    prompt = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", "--out", str(tmp_path)),
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(prompt.communicate(f"/say Hello\n{ending}".encode()), 60)
    assert prompt.returncode == 0
    assert errors == b""
    assert "Ada #general> /say Hello" in output.decode()
    assert len(kept(tmp_path)["speech.mp3"]) > 1000
