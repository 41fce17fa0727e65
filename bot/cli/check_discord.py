"""Discord: is the token accepted, do commands arrive over the gateway, and is our clock right?"""

import json
import time
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from bot.api.transport import build_connector
from bot.cli.check_result import CheckResult, fail, ok, skip
from bot.clock import http_date
from bot.settings import Settings

TOKEN, ENDPOINT, CONTENT, CLOCK = "Discord token", "interactions endpoint", "message content", "clock"
CONTENT_FLAGS: Final = (1 << 18) | (1 << 19)
"""In the application's flags: the Message Content intent is switched on. The second one is that of small bots."""

MOST_SECONDS_OFF: Final = 30
"""Quotas and the fifteen minutes that an interaction's token lives are counted by our clock."""

MOST_BYTES: Final = 256 * 1024
TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
USER_AGENT: Final = "DiscordBot (https://multiappai-api.itmovnteam.com, 0.1)"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Discord answered. `off_s`: how far our clock is ahead of its, in seconds; None where it didn't say."""

    status: int
    body: dict[str, Any]  # Any: Discord's JSON
    off_s: float | None


async def check_discord(settings: Settings) -> list[CheckResult]:
    """Ask Discord who the bot is: a line each about the token, the endpoint and the clock."""
    async with aiohttp.ClientSession(
        connector=build_connector(),
        timeout=TIMEOUT,
        headers={
            "Authorization": f"Bot {settings.discord_token.get_secret_value()}",
            "User-Agent": USER_AGENT,
        },
    ) as session:
        try:
            user = await _get(session, f"{settings.discord_api_base_url}/users/@me")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            why = f"{settings.discord_api_base_url} can't be reached ({type(error).__name__}); look at the network"
            return [fail(TOKEN, why), _after_token(ENDPOINT), skip(CLOCK, "Discord has to answer first")]
        lines = [_check_token(user)]
        if user.status == 200:
            lines += await _check_application(session, settings)
        else:
            lines.append(_after_token(ENDPOINT))
        return [*lines, _check_clock(user)]


def _check_token(user: _Answer) -> CheckResult:
    if user.status == 200:
        return ok(TOKEN, f"accepted, for the bot {user.body.get('username')} ({user.body.get('id')})")
    if user.status == 401:
        return fail(
            TOKEN, "Discord refused it; set DISCORD_TOKEN to the one from the developer portal → Bot → Reset Token"
        )
    return fail(TOKEN, f"Discord answered with status {user.status}; try again in a while")


async def _check_application(session: aiohttp.ClientSession, settings: Settings) -> list[CheckResult]:
    try:
        application = await _get(session, f"{settings.discord_api_base_url}/applications/@me")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return [fail(ENDPOINT, f"Discord didn't tell ({type(error).__name__}); try again in a while")]
    if application.status != 200:
        return [fail(ENDPOINT, f"Discord didn't tell (status {application.status}); try again in a while")]
    return [_check_endpoint(application), *([_check_content(application)] if settings.message_content else [])]


def _check_endpoint(application: _Answer) -> CheckResult:
    if application.body.get("interactions_endpoint_url"):
        return fail(
            ENDPOINT,
            "one is set, so no command ever reaches the bot; empty Interactions Endpoint URL in the developer portal → "
            "General Information",
        )
    return ok(ENDPOINT, "none is set, so commands arrive over the gateway")


def _check_content(application: _Answer) -> CheckResult:
    flags = application.body.get("flags")
    if isinstance(flags, int) and flags & CONTENT_FLAGS:
        return ok(CONTENT, "the intent is switched on")
    return fail(
        CONTENT,
        "MESSAGE_CONTENT asks for an intent that is switched off; switch it on in the developer portal → Bot → Message "
        "Content Intent, or set MESSAGE_CONTENT to false",
    )


def _check_clock(user: _Answer) -> CheckResult:
    if user.off_s is None:
        return skip(CLOCK, "Discord didn't tell the time")
    if abs(user.off_s) > MOST_SECONDS_OFF:
        way = "ahead" if user.off_s > 0 else "behind"
        return fail(CLOCK, f"{abs(user.off_s):.0f} seconds {way} of Discord's; set it, best by NTP")
    return ok(CLOCK, "agrees with Discord's")


def _after_token(name: str) -> CheckResult:
    return skip(name, "the token has to be accepted first")


async def _get(session: aiohttp.ClientSession, url: str) -> _Answer:
    """Ask for one JSON object.

    Raises:
        aiohttp.ClientError, OSError, TimeoutError: no answer came.
        ValueError: it is no JSON object.
    """
    before = time.time()
    async with session.get(url) as response:
        middle = (before + time.time()) / 2
        data = await response.content.read(MOST_BYTES)
        try:
            body = json.loads(data) if response.status == 200 else {}
        except RecursionError:
            raise ValueError("JSON nested too deep") from None
        if not isinstance(body, dict):
            raise ValueError("not a JSON object")
        return _Answer(response.status, body, _off(response.headers.get("Date"), middle))


def _off(date: str | None, ours: float) -> float | None:
    theirs = None if date is None else http_date(date)
    return None if theirs is None else ours - theirs.timestamp()
