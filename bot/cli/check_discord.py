"""Checks of Discord: the token, the interactions endpoint, the Message Content intent and the clock."""

import json
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp

from bot.api.transport import build_connector
from bot.cli.check_result import CheckResult, fail, ok, skip
from bot.clock import parse_http_date
from bot.messages import operator as texts
from bot.settings import Settings

TOKEN, ENDPOINT, CONTENT, CLOCK = "Discord token", "interactions endpoint", "message content", "clock"
CONTENT_FLAGS: Final = (1 << 18) | (1 << 19)
"""The application's flags for the Message Content intent; the second is for bots in fewer than 100 servers."""

MAX_CLOCK_OFFSET_S: Final = 30
"""Limits, and the 15 minutes that an interaction token is valid, are timed by this machine's clock."""

MAX_BODY_BYTES: Final = 256 * 1024
TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
USER_AGENT: Final = "DiscordBot (https://multiappai-api.itmovnteam.com, 0.1)"


@dataclass(frozen=True, slots=True)
class _Response:
    """Discord's response. `clock_offset_s`: seconds by which this machine's clock is ahead; None if unknown."""

    status: int
    body: dict[str, Any]  # Any: Discord's JSON
    clock_offset_s: float | None


async def check_discord(settings: Settings) -> list[CheckResult]:
    """Request the bot's user and application; return a result for each thing checked."""
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
            unreachable = texts.discord_url_unreachable(settings.discord_api_base_url, type(error).__name__)
            return [fail(TOKEN, unreachable), _skip_without_token(ENDPOINT), skip(CLOCK, texts.discord_needed())]
        results = [_check_token(user)]
        if user.status == 200:
            results += await _check_application(session, settings)
        else:
            results.append(_skip_without_token(ENDPOINT))
        return [*results, _check_clock(user)]


def _check_token(user: _Response) -> CheckResult:
    if user.status == 200:
        return ok(TOKEN, texts.bot_token_accepted(str(user.body.get("username")), str(user.body.get("id"))))
    if user.status == 401:
        return fail(TOKEN, texts.bot_token_refused())
    return fail(TOKEN, texts.discord_status(user.status))


async def _check_application(session: aiohttp.ClientSession, settings: Settings) -> list[CheckResult]:
    try:
        application = await _get(session, f"{settings.discord_api_base_url}/applications/@me")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return [fail(ENDPOINT, texts.no_answer_of_discord(type(error).__name__))]
    if application.status != 200:
        return [fail(ENDPOINT, texts.discord_status(application.status))]
    return [_check_endpoint(application), *([_check_content(application)] if settings.message_content else [])]


def _check_endpoint(application: _Response) -> CheckResult:
    if application.body.get("interactions_endpoint_url"):
        return fail(ENDPOINT, texts.interactions_endpoint_set())
    return ok(ENDPOINT, texts.interactions_endpoint_unset())


def _check_content(application: _Response) -> CheckResult:
    flags = application.body.get("flags")
    if isinstance(flags, int) and flags & CONTENT_FLAGS:
        return ok(CONTENT, texts.message_content_on())
    return fail(CONTENT, texts.message_content_off())


def _check_clock(user: _Response) -> CheckResult:
    if user.clock_offset_s is None:
        return skip(CLOCK, texts.clock_unknown())
    if abs(user.clock_offset_s) > MAX_CLOCK_OFFSET_S:
        way: Literal["ahead", "behind"] = "ahead" if user.clock_offset_s > 0 else "behind"
        return fail(CLOCK, texts.clock_wrong(round(abs(user.clock_offset_s)), way))
    return ok(CLOCK, texts.clock_right())


def _skip_without_token(name: str) -> CheckResult:
    return skip(name, texts.bot_token_needed())


async def _get(session: aiohttp.ClientSession, url: str) -> _Response:
    """Return the response to a GET request for one JSON object.

    Raises:
        aiohttp.ClientError, OSError, TimeoutError: no response.
        ValueError: the body is not a JSON object.
    """
    sent_at = time.time()
    async with session.get(url) as response:
        midpoint = (sent_at + time.time()) / 2
        data = await response.content.read(MAX_BODY_BYTES)
        try:
            body = json.loads(data) if response.status == 200 else {}
        except RecursionError:
            raise ValueError("JSON nested too deep") from None
        if not isinstance(body, dict):
            raise ValueError("not a JSON object")
        return _Response(response.status, body, _clock_offset_s(response.headers.get("Date"), midpoint))


def _clock_offset_s(date: str | None, ours: float) -> float | None:
    theirs = None if date is None else parse_http_date(date)
    return None if theirs is None else ours - theirs.timestamp()
