"""The commands of the program: `python -m bot` runs it, `python -m bot sandbox` lets one try it without an account."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from bot.errors import StartupFault
from bot.settings import Settings, load
from bot.telemetry import logs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["sandbox"]:
        from bot.sandbox.command import main as sandbox

        return sandbox(words[1:])
    _parser().parse_args(words)
    try:
        return _serve(load())
    except StartupFault as fault:
        sys.stderr.write(fault.sentence + "\n")
        return fault.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Run the bot until SIGINT or SIGTERM; settings come from the environment."
    )
    commands = parser.add_subparsers(metavar="command")
    commands.add_parser("sandbox", help="try the bot against a local stand-in: no account, no key, no network")
    return parser


def _serve(settings: Settings) -> int:
    # Imported here: bad settings should be told without half a second of imports before it.
    from bot.program.serve import serve

    logs.configure(settings.log_level, settings.log_format)
    return asyncio.run(serve(settings))


if __name__ == "__main__":
    sys.exit(main())
