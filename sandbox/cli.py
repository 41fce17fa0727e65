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
from sandbox.terminal.line_reader import open_standard_input
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.repl import Repl
from sandbox.terminal.tour import Tour

INTERRUPTED: Final = 128 + signal.SIGINT
"""The exit status of a tour that was interrupted, as in shells."""


def main(arguments: Sequence[str]) -> int:
    """Run the sandbox with the arguments after `sandbox`.

    Returns:
        0 for success, 130 for an interrupted tour, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bot sandbox",
        description="Try the bot with a Discord and an AI service on this machine: no account, no network.",
    )
    parser.add_argument("--tour", action="store_true", help="play a conversation, check every step of it, and end")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("sandbox-files"),
        help="where sound and images are saved (%(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        # From here on Ctrl-C closes everything in order; before, it ended the process at once.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return asyncio.run(_run(tour=options.tour, folder=OutputFolder(options.out)))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C or a signal; everything is closed by now
        return INTERRUPTED if options.tour else 0
    except (BotProcessDied, TimeoutError) as reason:
        sys.stderr.write(f"The bot did not start: {reason}\n")
    except OSError as reason:
        sys.stderr.write(f"{reason}\n")
    return 1


async def _run(*, tour: bool, folder: OutputFolder) -> int:
    _cancel_on_signals()
    output = TerminalOutput()
    output.line("The bot is the real one; Discord and the AI service are imitations on this machine.\n")
    async with Sandbox(dave=True) as sandbox:
        if tour:
            return 0 if await Tour(sandbox, output, folder).play() else 1
        try:
            repl = Repl(sandbox, output, folder)
            await repl.run(open_standard_input(repl.completer))
        finally:
            output.line("\nStopping the bot …")
    return 0


def _cancel_on_signals() -> None:
    """Cancel the current task for SIGTERM and SIGHUP, so that the bot process doesn't outlive this one."""
    task = asyncio.current_task()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and its event loop no signal handlers
        if task is not None and number is not None:
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
