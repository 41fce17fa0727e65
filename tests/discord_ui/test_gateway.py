"""What the gateway's private side is guarded against, where a trip can't show it."""

import logging
from typing import Any

import discord
import pytest

from bot.discord_ui.error_messages import said_by_discord
from bot.discord_ui.gateway import guard_parsers


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
def test_an_error_of_discords_is_told_without_ids_and_tokens(path: str, shown: str) -> None:
    error = discord.NotFound(Answer(path), {"code": 10062, "message": "my secret"})  # type: ignore[arg-type]
    assert said_by_discord(error) == f"PATCH {shown}: status 404, code 10062"
