"""What discord.py's gateway client is guarded against, and the limit for its commands."""

import asyncio
import logging
from datetime import datetime
from random import Random
from typing import Any

import discord
import pytest
from discord import gateway

from bot.discord_ui.error_messages import format_http_error
from bot.discord_ui.gateway import COMMAND_WINDOW_S, MAX_COMMANDS, CommandLimit, guard_parsers, limit_commands
from tests.support.clock import FakeClock


class Answer:
    """What discord.py's errors hold of a response."""

    status, reason, method = 404, "Not Found", "PATCH"

    def __init__(self, path: str) -> None:
        self.url = type("Url", (), {"path": path})


async def test_a_ready_is_read_without_the_servers_that_have_no_id(caplog: pytest.LogCaptureFixture) -> None:
    client = discord.Client(intents=discord.Intents(guilds=True))
    read: list[Any] = []
    client._connection.parsers["READY"] = read.append
    guard_parsers(client)
    client._connection.parsers["READY"]({"guilds": [{"id": "1", "unavailable": True}, {}, None, {"id": "x"}]})
    assert read == [{"guilds": [{"id": "1", "unavailable": True}]}]
    assert len(caplog.records) == 1


async def test_an_events_words_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    client = discord.Client(intents=discord.Intents(guilds=True))

    def fail(data: Any) -> None:
        raise ValueError(data["content"])

    client._connection.parsers["MESSAGE_CREATE"] = fail
    guard_parsers(client)
    with caplog.at_level(logging.DEBUG):
        client._connection.parsers["MESSAGE_CREATE"]({"content": "my secret"})
    (record,) = caplog.records
    assert vars(record)["event"] == "MESSAGE_CREATE"
    assert "my secret" not in str(vars(record))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v10/applications/1034567890123456789/commands", "/api/v10/applications/:id/commands"),
        ("/api/v10/gateway/bot", "/api/v10/gateway/bot"),
        ("/api/v10/users/@me", "/api/v10/users/@me"),
        ("/v10/webhooks/12/aW50ZXJhY3Rpb246MTA/messages/@original", "/v10/webhooks/:id/:id/messages/@original"),
        ("/v10/interactions/12/" + "a" * 40 + "/callback", "/v10/interactions/:id/:id/callback"),
        ("/v10/oauth2/applications/@me", "/v10/oauth2/applications/@me"),
    ],
)
def test_an_error_of_discord_is_formatted_without_ids_and_tokens(path: str, shown: str) -> None:
    error = discord.NotFound(Answer(path), {"code": 10062, "message": "my secret"})
    assert format_http_error(error) == f"PATCH {shown}: status 404, code 10062"


async def _send(limit: CommandLimit, clock: FakeClock, sent: list[float]) -> None:
    await limit.block()
    sent.append(clock.monotonic())


async def test_no_minute_has_more_than_it_may_and_nothing_waits_without_need() -> None:
    clock, random = FakeClock(), Random(4)
    limit, sent = CommandLimit(clock), list[float]()
    tasks = []
    for _ in range(600):
        tasks.append(asyncio.create_task(_send(limit, clock, sent)))
        await clock.advance(random.choice([0, 0, 0.1, 0.5]))
    await clock.drive(asyncio.gather(*tasks))
    in_a_minute = [sum(at <= other < at + COMMAND_WINDOW_S for other in sent) for at in sent]
    assert max(in_a_minute) == MAX_COMMANDS
    assert len(sent) == 600
    assert max(sent) < 600 / MAX_COMMANDS * COMMAND_WINDOW_S


async def test_a_full_minute_is_over_after_a_minute() -> None:
    clock = FakeClock()
    limit = CommandLimit(clock)
    for _ in range(MAX_COMMANDS):
        await limit.block()
    await clock.advance(COMMAND_WINDOW_S - 1)
    assert limit.is_ratelimited()
    await clock.advance(1)
    assert not limit.is_ratelimited()


async def test_the_wall_clock_is_not_used() -> None:
    class StepsBack(FakeClock):
        def now(self) -> datetime:
            raise AssertionError("durations are the monotonic clock's")

    limit = CommandLimit(StepsBack())
    for _ in range(MAX_COMMANDS):
        await limit.block()


async def test_commands_cancelled_while_they_wait_delay_no_others() -> None:
    clock = FakeClock()
    limit = CommandLimit(clock)
    for _ in range(MAX_COMMANDS):
        await limit.block()
    waiting = [asyncio.create_task(limit.block()) for _ in range(3)]
    await clock.advance(1)
    for each in waiting[:2]:
        each.cancel()
    await clock.advance(COMMAND_WINDOW_S)
    assert waiting[2].done()
    assert not waiting[2].cancelled()


def test_discord_py_uses_it_for_its_websockets() -> None:
    limit_commands(FakeClock())
    websocket = gateway.DiscordWebSocket(object(), loop=object())  # type: ignore[arg-type]
    assert isinstance(websocket._rate_limiter, CommandLimit)
