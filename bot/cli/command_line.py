"""The command line of `python -m bot`, except for the sandbox's."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from bot import logs
from bot.cli import process
from bot.errors import StartupError
from bot.messages.render import render, templates
from bot.settings import LoadedSettings, load, load_with_warnings

logger = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; return the exit status."""
    options = _build_parser().parse_args(arguments)
    try:
        return _run_command(options)
    except StartupError as error:
        return _report_error(error)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Run the bot until SIGINT or SIGTERM; settings come from the environment."
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    check = commands.add_parser("check", help="test the set-up, and say what to do about each problem")
    check.add_argument("--json", action="store_true", help="write the report as one JSON object")
    commands.add_parser("invite", help="print the link that adds the bot to a server")
    commands.add_parser("health", help="say whether the bot on this machine is connected")
    commands.add_parser(
        "sandbox", help="try the bot with a local Discord and AI service: no account, no key, no network"
    )
    return parser


def _run_command(options: argparse.Namespace) -> int:
    """Run a command; each imports what it needs, so that bad settings are reported without half a second of imports."""
    match options.command:
        case "check":
            from bot.cli.check import check

            logs.configure("CRITICAL", "text")  # the results say it all
            return check(as_json=options.json)
        case "invite":
            from bot.cli.invite import invite

            return invite(load())
        case "health":
            from bot.cli.health import health

            return health(load())
        case _:
            return _serve(load_with_warnings())


def _serve(loaded: LoadedSettings) -> int:
    from bot.cli.run import serve
    from bot.cli.watchdog import Watchdog, exit_despite_threads
    from bot.clock import SystemClock

    settings = loaded.settings
    templates()  # all read now: the files may be replaced while the bot runs
    logs.configure(settings.log_level, settings.log_format)
    for warning in loaded.warnings:
        logger.warning(render(warning))

    async def run() -> int:
        clock = SystemClock()
        watchdog = Watchdog(clock)
        async with watchdog.running():
            try:
                status = await serve(settings, clock, watchdog)
            except StartupError as error:
                status = _report_error(error)
        process.exit_on_signal(status)
        exit_despite_threads(status)
        return status

    return asyncio.run(run())


def _report_error(error: StartupError) -> int:
    """Write to standard error why the program ends; return its exit status."""
    sys.stderr.write(render(error.message) + "\n")
    return error.exit_status
