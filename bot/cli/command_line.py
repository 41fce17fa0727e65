"""What the words after `python -m bot` mean, the sandbox's aside."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from bot.cli import early_signals
from bot.errors import StartupError
from bot.messages.render import render
from bot.settings import LoadedSettings, load, load_with_remarks
from bot.telemetry import logs

log = logging.getLogger(__name__)


def run(words: Sequence[str]) -> int:
    """Run the command that `words` name and return the exit status."""
    options = _parser().parse_args(words)
    try:
        return _run(options)
    except StartupError as fault:
        return _report(fault)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Run the bot until SIGINT or SIGTERM; settings come from the environment."
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    check = commands.add_parser(
        "check", help="look whether everything is set up right, and say what to do where it isn't"
    )
    check.add_argument("--json", action="store_true", help="write the report as one JSON object")
    commands.add_parser("invite", help="print the link that adds the bot to a server")
    commands.add_parser("health", help="tell whether the bot on this machine is connected")
    commands.add_parser("sandbox", help="try the bot against a local stand-in: no account, no key, no network")
    return parser


def _run(options: argparse.Namespace) -> int:
    """Run a command; each imports what it needs, so that bad settings are told without half a second before it."""
    match options.command:
        case "check":
            from bot.cli.check import check

            logs.configure("CRITICAL", "text")  # the lines say it all
            return check(as_json=options.json)
        case "invite":
            from bot.cli.invite import invite

            return invite(load())
        case "health":
            from bot.cli.health import health

            return health(load())
        case _:
            return _serve(load_with_remarks())


def _serve(loaded: LoadedSettings) -> int:
    from bot.cli.run import serve
    from bot.cli.watchdog import Watchdog, exit_despite_threads
    from bot.clock import SystemClock

    settings = loaded.settings
    logs.configure(settings.log_level, settings.log_format)
    for remark in loaded.remarks:
        log.warning(remark)

    async def run() -> int:
        clock = SystemClock()
        watchdog = Watchdog(clock)
        async with watchdog.running():
            try:
                status = await serve(settings, clock, watchdog)
            except StartupError as fault:
                status = _report(fault)
        early_signals.exit_on_signal(status)
        exit_despite_threads(status)
        return status

    return asyncio.run(run())


def _report(fault: StartupError) -> int:
    """Say on standard error why the program ends; return its exit status."""
    sys.stderr.write(render(fault.message) + "\n")
    return fault.exit_status
