"""Trouble on request between the bot and the sandbox's Discord."""

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.http.faults import HttpFault
from sandbox.discord.server import DiscordServer


async def test_a_request_meets_the_trouble_that_is_meant_for_it_once(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser
) -> None:
    path = f"channels/{ada.channel().id}/messages"
    discord_server.http_faults.next(
        "POST", path, HttpFault(403, code=50013), when=lambda body: body["content"] == "two"
    )
    said = []
    for content in ("one", "two", "two"):
        async with http.post(path, json={"content": content}) as response:
            said.append((response.status, (await response.json()).get("code")))
    assert said == [(200, None), (403, 50013), (200, None)]
    assert [message.content for message in ada.sees()] == ["one", "two"]
    assert discord_server.http_faults.waiting == 0


@pytest.mark.parametrize("applied", [False, True])
async def test_an_answer_may_be_lost_whether_or_not_the_request_was_carried_out(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser, applied: bool
) -> None:
    path = f"channels/{ada.channel().id}/messages"
    discord_server.http_faults.next("*", "/messages", HttpFault(applied=applied))
    with pytest.raises(aiohttp.ClientError):
        await http.post(path, json={"content": "Hello."})
    discord_server.http_faults.next("POST", "/messages", HttpFault(500, applied=applied))
    async with http.post(path, json={"content": "Hello again."}) as response:
        assert response.status == 500
    assert len(ada.sees()) == 2 * applied
