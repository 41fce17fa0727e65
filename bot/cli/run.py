"""`python -m bot`: reach Discord, serve until a signal comes, and say in a sentence why if it ends otherwise."""

import asyncio
import logging
import random
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

import aiohttp
import discord

from bot.app import open_services
from bot.cli.early_signals import SIGNALS
from bot.cli.watchdog import CLOSING_S, Watchdog
from bot.client import Bot
from bot.clock import Clock
from bot.discord_ui.error_messages import said_by_discord
from bot.errors import StartupError
from bot.messages.message import plain
from bot.services import Services
from bot.settings import BAD_CONFIGURATION, Settings
from bot.telemetry.logs import TRACEBACK, format_redacted_traceback

log = logging.getLogger(__name__)

LONGEST_PAUSE_S: Final = 60.0
GIVE_UP_AFTER_S: Final = 600.0


class Backoff:
    """Pauses of 1, 2, 4 … 60 seconds, each shortened by chance by up to a quarter, for ten minutes in all.

    Many bots that lose the same network should not come back in step, hence the chance.
    """

    def __init__(self, clock: Clock, *, chance: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._chance = chance
        self._until = clock.monotonic() + GIVE_UP_AFTER_S
        self._next_s = 1.0

    def pause(self) -> float | None:
        """Return the seconds to wait before the next attempt, or None when it is time to give up."""
        if self._clock.monotonic() >= self._until:
            return None
        seconds = self._next_s * (1 - self._chance() / 4)
        self._next_s = min(LONGEST_PAUSE_S, self._next_s * 2)
        return seconds


class Signals:
    """What was asked for so far. Made within the running loop, which it listens with."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        """Take the two signals from here on, on every system: Windows' loops have no `add_signal_handler`."""
        loop = asyncio.get_running_loop()

        def came(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._came)

        for number in SIGNALS:
            signal.signal(number, came)

    def _came(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


AUTHENTICATION_FAILED: Final = 4004
"""The gateway's close code for a token that was changed while the bot ran."""

CANCEL_AGAIN_S: Final = 0.2


class _NotBegun(Exception):
    """Discord could not be reached, or would not have us; no session was begun, so trying again costs nothing.

    Its text is a sentence that says which.
    """


async def serve(settings: Settings, clock: Clock, watchdog: Watchdog) -> int:
    """Serve until a signal comes; return the exit status. From the signal on the process has the grace and no more.

    Raises:
        StartupError: it cannot go on; the sentence says why.
    """
    signals = Signals()
    signals.listen()
    async with open_services(settings, clock) as services:
        try:
            await _serve_until_stopped(settings, services, clock, signals, watchdog)
        finally:
            watchdog.exit_within(CLOSING_S)
    log.info("stopped")
    return 0


async def _serve_until_stopped(
    settings: Settings, services: Services, clock: Clock, signals: Signals, watchdog: Watchdog
) -> None:
    """Serve, and try again where Discord is out of reach.

    Raises:
        StartupError: it was out of reach for too long, or it ended by itself.
    """
    patience = Backoff(clock)
    while not signals.stop.is_set():
        try:
            await _serve_once(settings, services, clock, signals, watchdog)
            return
        except _NotBegun as error:
            if (pause := patience.pause()) is None:
                raise StartupError(plain(str(error))) from error
            log.warning("%s", error, extra={"again_in_s": round(pause, 1)})
            if await _stopped_within(pause, signals):
                return


async def _serve_once(
    settings: Settings, services: Services, clock: Clock, signals: Signals, watchdog: Watchdog
) -> None:
    """Log in, serve, and return after a signal.

    Raises:
        _NotBegun: there was no logging in just now.
        StartupError: it ended by itself.
    """
    bot = Bot(
        services,
        clock=clock,
        api_base_url=settings.discord_api_base_url,
        grace_s=settings.shutdown_grace_seconds,
        hurry=signals.hurry,
        message_content=settings.message_content,
        voice_alone_s=settings.voice_alone_seconds,
        voice_idle_s=settings.voice_idle_seconds,
    )
    async with bot:
        serving = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
        stopping = asyncio.create_task(signals.stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if serving.done():
            await _told(serving, bot)
        else:
            log.info("stopping")
            watchdog.exit_within(settings.shutdown_grace_seconds + CLOSING_S)
            if not bot.shards:  # nobody was served yet; closed under its hands, connecting would fail with a traceback
                await _put_away(serving)
            await bot.close()
            await _put_away(serving)


async def _told(serving: asyncio.Task[None], bot: Bot) -> None:
    """Say why the connection to Discord ended by itself.

    Raises:
        _NotBegun: it was never made.
        StartupError: it failed.
    """
    try:
        await serving
    except discord.LoginFailure as error:
        raise _refused_token() from error
    except discord.PrivilegedIntentsRequired as error:
        raise _refused_intent(wanted=bot.intents.message_content) from error
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise _refused_token() from error
        raise StartupError(plain(f"Discord ended the connection with code {error.code}")) from error
    except (OSError, aiohttp.ClientError, discord.HTTPException, discord.GatewayNotFound) as error:
        answered = error.__cause__ if isinstance(error, discord.GatewayNotFound) else error
        if isinstance(answered, discord.HTTPException) and answered.status == 401:
            raise _refused_token() from error
        if not bot.reached_gateway:
            raise _NotBegun(_reason(answered or error)) from error
        raise StartupError(plain(_reason(answered or error))) from error
    except Exception as error:
        if not bot.reached_gateway:
            log.error(
                "the start broke on an error: %s",
                type(error).__name__,
                extra={TRACEBACK: format_redacted_traceback(error)},
            )
            raise StartupError(
                plain(f"I couldn't start, for a fault of my own ({type(error).__name__}); the log says where.")
            ) from error
        # An event that discord.py could not read, most likely.
        log.error(
            "the connection broke on an error: %s",
            type(error).__name__,
            extra={TRACEBACK: format_redacted_traceback(error)},
        )
        raise StartupError(
            plain(
                f"Something from Discord couldn't be read ({type(error).__name__}), so I ended; the log says where. "
                "Whatever supervises me should start me again."
            )
        ) from error
    raise StartupError(plain("Discord ended the connection"))


async def _put_away(serving: asyncio.Task[None]) -> None:
    """Wait for the end of a connection that was closed, perhaps while it was being made: no fault then."""
    # Again and again: discord.py takes a cancellation that meets a shard's connecting for a failure, and tries anew.
    while not serving.done():
        serving.cancel()
        await asyncio.wait({serving}, timeout=CANCEL_AGAIN_S)
    if not serving.cancelled() and (error := serving.exception()) is not None:
        log.info("connection given up", extra={"error": type(error).__name__})


async def _stopped_within(seconds: float, signals: Signals) -> bool:
    try:
        await asyncio.wait_for(signals.stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _refused_token() -> StartupError:
    return StartupError(
        plain("DISCORD_TOKEN: Discord refused it; expected the bot's token from the developer portal"),
        exit_status=BAD_CONFIGURATION,
    )


def _refused_intent(*, wanted: bool) -> StartupError:
    sentence = "Discord refused an intent: switch it on for this application in the developer portal"
    if wanted:
        sentence = (
            "MESSAGE_CONTENT: Discord refused the intent; expected it to be switched on in the developer portal → Bot "
            "→ Message Content Intent, or `false` here"
        )
    return StartupError(plain(sentence), exit_status=BAD_CONFIGURATION)


def _reason(error: BaseException) -> str:
    """Say what came of a request to Discord, without the error's own words: they may hold an address with a token."""
    if isinstance(error, discord.HTTPException):
        return f"Discord answered with an error: {said_by_discord(error)}"
    return f"Discord can't be reached: {type(error).__name__}"
