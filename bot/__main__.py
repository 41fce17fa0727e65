"""The commands of the program: `python -m bot` runs it, `python -m bot sandbox` lets one try it without an account."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from bot.errors import StartupFault
from bot.settings import BAD_CONFIGURATION, Settings, load
from bot.telemetry import logs

log = logging.getLogger(__name__)


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
    logs.configure(settings.log_level, settings.log_format)
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    """Serve until a signal comes; return the exit status."""
    # Imported here: bad settings should be told without half a second of imports before it.
    from bot.app import open_services
    from bot.client import Bot, silence_voice_warnings
    from bot.clock import SystemClock

    silence_voice_warnings()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    clock = SystemClock()
    async with open_services(settings, clock) as services:
        bot = Bot(services, clock=clock, api_base_url=settings.discord_api_base_url)
        async with bot:
            serving = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if serving.done():
                await _told(serving)
            else:
                log.info("stopping")
                await bot.stop(settings.shutdown_grace_seconds)
                await _put_away(serving)
    log.info("stopped")
    return 0


async def _told(serving: asyncio.Task[None]) -> None:
    """Say why the connection to Discord ended by itself.

    Raises:
        StartupFault: it failed.
    """
    import aiohttp
    import discord

    try:
        await serving
    except discord.LoginFailure as error:
        raise StartupFault(
            "DISCORD_TOKEN: Discord refused it; expected the bot's token from the developer portal",
            exit_status=BAD_CONFIGURATION,
        ) from error
    except discord.PrivilegedIntentsRequired as error:
        raise StartupFault(
            "Discord refused an intent: switch it on for this application in the developer portal",
            exit_status=BAD_CONFIGURATION,
        ) from error
    except discord.DiscordException as error:
        raise StartupFault(f"Discord ended the connection: {type(error).__name__}") from error
    except (OSError, aiohttp.ClientError) as error:
        raise StartupFault(f"Discord can't be reached: {type(error).__name__}") from error


async def _put_away(serving: asyncio.Task[None]) -> None:
    """Wait for the end of a connection that was closed, perhaps while it was being made: no fault then."""
    serving.cancel()
    await asyncio.wait({serving})
    if not serving.cancelled() and (error := serving.exception()) is not None:
        log.info("connection given up", extra={"error": type(error).__name__})


if __name__ == "__main__":
    sys.exit(main())
