"""What the bot needs of discord.py's gateway client that has no public name: its frames, parsers and heartbeats.

Every touch of these private parts is in this file.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import discord
import discord.gateway
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.http import Route

from bot.clock import Clock

logger = logging.getLogger(__name__)

LOST_AFTER_INTERVALS: Final = 1.5
"""A heartbeat is acknowledged at once; after so many intervals without that the connection counts as lost."""

RESUME_AFTER_S: Final = 1.0
"""The pause before a connection whose compression broke is resumed, so that one that always does is no busy loop."""

_PARTS: Final = (
    *("roles", "channels", "members", "voice_states", "threads", "emojis", "stickers", "presences"),
    *("stage_instances", "guild_scheduled_events", "soundboard_sounds"),
)
"""The lists in a GUILD_CREATE, in an order in which each can be read without those behind it."""

MAX_COMMANDS: Final = 110
"""Commands in any minute on one connection; Discord takes 120, and heartbeats, which never wait, are counted in."""

COMMAND_WINDOW_S: Final = 60.0

_original_received_message: Final = DiscordWebSocket.received_message

_Parse = Callable[[Any], None]  # Any: Discord's JSON


def set_api_base(url: str) -> None:
    """Send all requests to another REST base: discord.py reads it at each one, webhooks' included."""
    Route.BASE = url


def set_gateway(url: yarl.URL) -> None:
    """Connect to another gateway: discord.py would go back to Discord's own, a constant, on each new session."""
    DiscordWebSocket.DEFAULT_GATEWAY = url


def guard_frames() -> None:
    """Ignore frames that discord.py cannot read, which would end the connection and with it the process.

    Where nothing can come after such a frame the bot reconnects: the compression is broken, or it was the frame that
    begins or resumes a session. READY may still fail, as with `guard_parsers`.
    """
    DiscordWebSocket.received_message = _received_message  # type: ignore[method-assign]  # no public way in
    logging.getLogger("discord.shard").addFilter(_shorten_connection_error)


def _shorten_connection_error(record: logging.LogRecord) -> bool:
    """Turn discord.py's log record of a broken connection into a warning of one line."""
    error = record.exc_info[1] if record.exc_info else None
    outside = isinstance(error, (OSError, discord.DiscordException, ReconnectWebSocket))
    if error is not None and (outside or type(error).__module__.startswith("aiohttp.")):
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        record.error = type(error).__name__
    return True


async def _received_message(
    socket: DiscordWebSocket, frame: Any, /
) -> None:  # Any: text or bytes, as discord.py has it
    if isinstance(frame, bytes):
        try:
            frame = socket._decompressor.decompress(frame)
        except Exception as error:  # as in `_guard_parser`
            _log_unreadable_frame(error, reconnects=True)
            if socket._keep_alive is None:
                raise await _close_broken(socket) from error
            await asyncio.sleep(RESUME_AFTER_S)
            await socket.close()
            raise ReconnectWebSocket(socket.shard_id) from error
        if frame is None:  # the first part of one
            return
    try:
        await _original_received_message(socket, frame)
    except (ReconnectWebSocket, discord.ConnectionClosed, OSError):
        raise
    except Exception as error:  # as in `_guard_parser`
        event = _event_name(frame)
        if event == "READY":
            raise
        reconnects = socket._keep_alive is None or event == "RESUMED"
        _log_unreadable_frame(error, reconnects=reconnects)
        if reconnects:
            raise await _close_broken(socket) from error


async def _close_broken(socket: DiscordWebSocket) -> OSError:
    """Close a connection and return an error on which discord.py makes a new one, after longer and longer pauses."""
    await socket.close()
    return ConnectionError("the gateway sent what cannot be read")


def _event_name(frame: str) -> object:
    try:
        return json.loads(frame).get("t")
    except (ValueError, AttributeError, RecursionError):
        return None


def _log_unreadable_frame(error: Exception, *, reconnects: bool) -> None:
    logger.warning("unreadable frame ignored", extra={"error": type(error).__name__, "reconnects": reconnects})


def guard_parsers(client: discord.Client) -> None:
    """Ignore events that discord.py cannot read, which would end the connection and with it the process.

    A server is read without what is broken in it. Without READY there is no session, so that one may still fail.

    Dispatches `server_join` for each server joined, with its id: discord.py's own `guild_join` doesn't come in the
    seconds after a start, when it takes every server for one it was in before.
    """
    parsers = client._connection.parsers
    parsers["READY"] = _without_broken_guilds(parsers["READY"])
    parsers["GUILD_CREATE"] = _dispatch_joins(client, _without_broken_parts(client, parsers["GUILD_CREATE"]))
    for name, parse in parsers.items():
        if name != "READY":
            parsers[name] = _guard_parser(name, parse)


def is_connected(shard: discord.ShardInfo) -> bool:
    """Return whether Discord answers on a shard's connection: its last heartbeat was acknowledged lately."""
    socket = shard._parent.ws
    keep_alive = socket._keep_alive
    if not socket.open or keep_alive is None or keep_alive.interval is None:
        return False
    return time.perf_counter() - keep_alive._last_ack <= LOST_AFTER_INTERVALS * keep_alive.interval


def _guard_parser(name: str, parse: _Parse) -> _Parse:
    def parse_or_ignore(data: Any) -> None:  # Any: Discord's JSON
        try:
            parse(data)
        except Exception as error:  # whatever a library makes of what it doesn't expect
            _log_unreadable_event(name, error)

    return parse_or_ignore


def _log_unreadable_event(name: str, error: Exception, **facts: object) -> None:
    """Log that an event cannot be read, without its content and the error's text, which may be people's."""
    logger.warning("unreadable event ignored", extra={"event": name, "error": type(error).__name__, **facts})


def _without_broken_guilds(parse: _Parse) -> _Parse:
    def parse_ready(data: dict[str, Any]) -> None:  # Any: Discord's JSON
        guilds = data.get("guilds")
        valid_parts = [each for each in guilds if _has_id(each)] if isinstance(guilds, list) else []
        if valid_parts != guilds:
            logger.warning("unreadable guilds ignored", extra={"event": "READY"})
        parse({**data, "guilds": valid_parts})

    return parse_ready


def _has_id(data: Any) -> bool:  # Any: Discord's JSON
    return isinstance(data, Mapping) and isinstance(data.get("id"), (str, int)) and str(data["id"]).isdecimal()


def _without_broken_parts(client: discord.Client, parse: _Parse) -> _Parse:
    def parse_guild(data: dict[str, Any]) -> None:  # Any: Discord's JSON
        try:
            parse(data)
        except Exception as error:  # as in `_guard_parser`
            readable, left_out = _readable_guild(client, data)
            _log_unreadable_event("GUILD_CREATE", error, left_out=left_out)
            parse(readable)

    return parse_guild


def _readable_guild(client: discord.Client, data: dict[str, Any]) -> tuple[dict[str, Any], str]:  # Any: Discord's JSON
    """Return a server's data without what discord.py can't read in it, and how many things of which kind those are."""
    valid = {name: value for name, value in data.items() if name not in _PARTS}
    left_out = []

    def reads(**parts: list[Any]) -> bool:  # Any: as above
        try:
            # Made to be thrown away: whether it can be made is what is asked.
            discord.Guild(data={**valid, **parts}, state=client._connection)  # type: ignore[typeddict-item]  # as it came
        except Exception:  # as in `_guard_parser`
            return False
        return True

    for name in _PARTS:
        if name not in data:
            continue
        whole = data[name] if isinstance(data[name], list) else []
        valid_parts = whole if reads(**{name: whole}) else [each for each in whole if reads(**{name: [each]})]
        if valid_parts is not data[name]:
            left_out.append(f"{name}={len(whole) - len(valid_parts)}")
        valid[name] = valid_parts
    return valid, ",".join(left_out)


def _dispatch_joins(client: discord.Client, parse: _Parse) -> _Parse:
    def parse_and_dispatch(data: dict[str, Any]) -> None:  # Any: Discord's JSON
        guild_id = int(data["id"])
        # Discord leaves out `unavailable` where the bot is new, and hasn't named the server before.
        joined = "unavailable" not in data and client.get_guild(guild_id) is None
        parse(data)
        if joined:
            client.dispatch("server_join", guild_id)

    return parse_and_dispatch


class CommandLimit:
    """Limits commands to a number in any minute, in the order in which they came.

    It has the methods of discord.py's own that discord.py calls.
    """

    def __init__(self, clock: Clock) -> None:
        self.shard_id: int | None = None
        """Set by discord.py."""
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=MAX_COMMANDS)
        self._turn = asyncio.Lock()

    def is_ratelimited(self) -> bool:
        """Return whether the next command would wait."""
        return self._wait_s() > 0

    async def block(self) -> None:
        """Wait until one more command may be sent, and count it."""
        async with self._turn:
            while (wait_s := self._wait_s()) > 0:
                logger.warning("gateway commands wait", extra={"shard": self.shard_id, "wait_s": round(wait_s, 1)})
                await self._clock.sleep(wait_s)
            self._sent.append(self._clock.monotonic())

    def _wait_s(self) -> float:
        if len(self._sent) < MAX_COMMANDS:
            return 0.0
        return self._sent[0] + COMMAND_WINDOW_S - self._clock.monotonic()


def limit_commands(clock: Clock) -> None:
    """Have discord.py use `CommandLimit` for every gateway connection that it makes from now on."""

    def build_limit(*_: Any) -> CommandLimit:  # Any: discord.py's own takes figures, and gives none
        return CommandLimit(clock)

    # discord.py makes its limiter itself, deep inside; there is no public way to give it another.
    discord.gateway.GatewayRatelimiter = build_limit  # type: ignore[assignment, misc]
