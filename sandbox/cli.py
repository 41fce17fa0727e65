"""`python -m bot sandbox`: the prompt, or with `--tour` a conversation that plays by itself."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sandbox.bot_process import BotProcessDied
from sandbox.sandbox import Sandbox
from sandbox.terminal.console import Console
from sandbox.terminal.keyboard import Keyboard, terminal_kept
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.show import Show
from sandbox.terminal.tour import Tour

BROKEN_OFF: Final = 128 + signal.SIGINT
"""The exit status of a tour that somebody broke off, as shells have it."""


def main(arguments: Sequence[str]) -> int:
    """Run the sandbox with the words after `sandbox`; 0 if all of it worked, 130 if a tour was broken off, else 1."""
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
        # From here on Ctrl-C closes all in good order; until here it ended the process at once.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with terminal_kept():
            return asyncio.run(_run(tour=options.tour, folder=OutputFolder(options.out)))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C, or a signal: all is closed by now
        return BROKEN_OFF if options.tour else 0
    except (BotProcessDied, TimeoutError) as reason:
        sys.stderr.write(f"The bot did not start: {reason}\n")
    except OSError as reason:
        sys.stderr.write(f"{reason}\n")
    return 1


async def _run(*, tour: bool, folder: OutputFolder) -> int:
    _end_on_signals()
    show = Show.on_standard_output()
    show.line("The bot is the real one; Discord and the model are stand-ins on this machine.\n")
    async with Sandbox(dave=True) as sandbox:
        if tour:
            return 0 if await Tour(sandbox, show, folder).play() else 1
        try:
            await Console(sandbox, show, folder).run(Keyboard())
        finally:
            show.line("\nStopping the bot …")
    return 0


def _end_on_signals() -> None:
    """Let a closed window or a `kill` end the program the way Ctrl-C does, so that the bot does not outlive it."""
    task = asyncio.current_task()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and its loop takes no handlers
        if task is not None and number is not None:
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
