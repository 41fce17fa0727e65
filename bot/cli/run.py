"""`python -m bot`: connect to Discord and serve until a signal comes; any other end is a `StartupError`."""

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
from bot.cli.process import SIGNALS
from bot.cli.watchdog import CLOSING_S, Watchdog
from bot.client import Bot
from bot.clock import Clock, backoff_s
from bot.discord_ui.error_messages import format_http_error
from bot.errors import StartupError
from bot.messages import operator as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.services import Services
from bot.settings import BAD_CONFIGURATION, Settings
from bot.tasks import sleep_unless, wait_for_first

logger = logging.getLogger(__name__)

MAX_DELAY_S: Final = 60.0
GIVE_UP_AFTER_S: Final = 600.0


class Backoff:
    """Delays of 1, 2, 4 … 60 seconds, each shortened at random by up to a quarter, for ten minutes in all.

    The jitter keeps many bots that lost the same network from reconnecting in step.
    """

    def __init__(self, clock: Clock, *, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._until = clock.monotonic() + GIVE_UP_AFTER_S
        self._failures = 0

    def next_delay_s(self) -> float | None:
        """Return the seconds to wait before the next attempt, or None when the time is over."""
        if self._clock.monotonic() >= self._until:
            return None
        self._failures += 1
        return backoff_s(self._failures, first_s=1.0, max_s=MAX_DELAY_S) * (1 - self._jitter() / 4)


class Signals:
    """SIGINT and SIGTERM as events of the running loop: the first sets `stop`, the second `hurry` too."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        """Handle the two signals from now on. `signal.signal`, as Windows' event loops have no `add_signal_handler`."""
        loop = asyncio.get_running_loop()

        def handle(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._on_signal)

        for number in SIGNALS:
            signal.signal(number, handle)

    def _on_signal(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


AUTHENTICATION_FAILED: Final = 4004
"""The gateway's close code for a token that was changed while the bot ran."""

CANCEL_RETRY_S: Final = 0.2


class _DiscordUnreachable(Exception):
    """Discord could not be reached or refused the login; no session was started, so a retry costs nothing.

    `reason` is a sentence that says why.
    """

    def __init__(self, reason: Message) -> None:
        super().__init__(reason.key)
        self.reason = reason


async def serve(settings: Settings, clock: Clock, watchdog: Watchdog) -> int:
    """Serve until a signal comes; return the exit status. After the signal the process ends within the grace.

    Raises:
        StartupError: it cannot go on; its message says why.
    """
    signals = Signals()
    signals.listen()
    async with open_services(settings, clock) as services:
        try:
            await _serve_until_stopped(settings, services, clock, signals, watchdog)
        finally:
            watchdog.exit_within(CLOSING_S)
    logger.info("stopped")
    return 0


async def _serve_until_stopped(
    settings: Settings, services: Services, clock: Clock, signals: Signals, watchdog: Watchdog
) -> None:
    """Serve until a signal comes; connect again if Discord is unreachable.

    Raises:
        StartupError: Discord was unreachable for too long, or the connection ended.
    """
    backoff = Backoff(clock)
    while not signals.stop.is_set():
        try:
            await _serve_once(settings, services, clock, signals, watchdog)
            return
        except _DiscordUnreachable as error:
            if (delay_s := backoff.next_delay_s()) is None:
                raise StartupError(error.reason) from error
            logger.warning("%s", render(error.reason), extra={"retry_in_s": round(delay_s, 1)})
            await sleep_unless(clock, signals.stop, delay_s)


async def _serve_once(
    settings: Settings, services: Services, clock: Clock, signals: Signals, watchdog: Watchdog
) -> None:
    """Log in and serve until a signal comes.

    Raises:
        _DiscordUnreachable: the login failed for now.
        StartupError: the connection ended.
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
        connection = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
        await wait_for_first(asyncio.wait({connection}), signals.stop.wait())
        if connection.done():
            await _raise_startup_error(connection, bot)
        else:
            logger.info("stopping")
            watchdog.exit_within(settings.shutdown_grace_seconds + CLOSING_S)
            if not bot.shards:  # closing while it still connects would log a traceback
                await _cancel_and_log(connection)
            await bot.close()
            await _cancel_and_log(connection)


async def _raise_startup_error(connection: asyncio.Task[None], bot: Bot) -> None:
    """Raise the error that says why the connection to Discord ended.

    Raises:
        _DiscordUnreachable: it was never established.
        StartupError: it failed.
    """
    try:
        await connection
    except discord.LoginFailure as error:
        raise _token_error() from error
    except discord.PrivilegedIntentsRequired as error:
        raise _intent_error(wanted=bot.intents.message_content) from error
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise _token_error() from error
        raise StartupError(texts.connection_closed(error.code)) from error
    except (OSError, aiohttp.ClientError, discord.HTTPException, discord.GatewayNotFound) as error:
        http_error = error.__cause__ if isinstance(error, discord.GatewayNotFound) else error
        if isinstance(http_error, discord.HTTPException) and http_error.status == 401:
            raise _token_error() from error
        if not bot.reached_gateway:
            raise _DiscordUnreachable(_describe_error(http_error or error)) from error
        raise StartupError(_describe_error(http_error or error)) from error
    except Exception as error:
        # Whatever discord.py lets through: the operator gets one sentence, and the log the traceback.
        extra = {"error": type(error).__name__}
        if not bot.reached_gateway:
            logger.error("start failed", extra=extra, exc_info=error)
            raise StartupError(texts.start_failed(type(error).__name__)) from error
        # Most likely an event that discord.py could not parse.
        logger.error("connection failed", extra=extra, exc_info=error)
        raise StartupError(texts.event_unreadable(type(error).__name__)) from error
    raise StartupError(texts.connection_ended())


async def _cancel_and_log(connection: asyncio.Task[None]) -> None:
    """Wait for the end of a closed connection; an error of it is only logged."""
    # Repeatedly: discord.py takes a cancellation while a shard connects for a failure, and connects again.
    while not connection.done():
        connection.cancel()
        await asyncio.wait({connection}, timeout=CANCEL_RETRY_S)
    if not connection.cancelled() and (error := connection.exception()) is not None:
        logger.info("connection abandoned", extra={"error": type(error).__name__})


def _token_error() -> StartupError:
    return StartupError(texts.token_refused(), exit_status=BAD_CONFIGURATION)


def _intent_error(*, wanted: bool) -> StartupError:
    sentence = texts.message_content_refused() if wanted else texts.intent_refused()
    return StartupError(sentence, exit_status=BAD_CONFIGURATION)


def _describe_error(error: BaseException) -> Message:
    """Return a sentence for a failed request to Discord, without the error's text: it may hold a URL with a token."""
    if isinstance(error, discord.HTTPException):
        return texts.discord_error(format_http_error(error))
    return texts.discord_unreachable(type(error).__name__)
