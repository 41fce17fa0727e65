"""`python -m bot sandbox`: the prompt, or with `--tour` a conversation that plays by itself."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.sandbox.child import ChildDied
from bot.sandbox.console import Console
from bot.sandbox.files import Folder
from bot.sandbox.keyboard import Keyboard, terminal_kept
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.show import Show
from bot.sandbox.tour import SETTINGS, Tour


def main(arguments: Sequence[str]) -> int:
    """Run the sandbox with the words after `sandbox`; 0 if all of it worked, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m bot sandbox",
        description="Try the bot against local stand-ins for Discord and the model API: no account, no network.",
    )
    parser.add_argument("--tour", action="store_true", help="play a conversation, check every step of it, and end")
    parser.add_argument(
        "--out", type=Path, default=Path("sandbox-files"), help="where sound and pictures are saved (%(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        with terminal_kept():
            return asyncio.run(_run(tour=options.tour, folder=Folder(options.out)))
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return 1 if options.tour else 0
    except (ChildDied, TimeoutError) as reason:
        sys.stderr.write(f"The bot did not start: {reason}\n")
    except OSError as reason:
        sys.stderr.write(f"{reason}\n")
    return 1


async def _run(*, tour: bool, folder: Folder) -> int:
    show = Show.on_standard_output()
    show.line("The bot is the real one; Discord and the model are stand-ins on this machine.\n")
    async with Sandbox(SETTINGS if tour else None) as sandbox:
        if tour:
            return 0 if await Tour(sandbox, show, folder).play() else 1
        await Console(sandbox, show, folder).run(Keyboard())
    return 0
