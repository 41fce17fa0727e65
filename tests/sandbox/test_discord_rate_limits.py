"""Rate limits: their headers, their buckets and the 429 behind them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.rate_limits import RateLimit, RateLimiter
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from tests.sandbox.raw_client import RawClient


class Stopwatch:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def discord_server(stopwatch: Stopwatch) -> AsyncIterator[DiscordServer]:
    state = DiscordState()
    state.populate()
    async with DiscordServer(state, monotonic=stopwatch, rates={"message.create": RateLimit(2, 5.0)}) as served:
        yield served


async def test_headers_count_down_and_the_next_request_is_a_429(http: aiohttp.ClientSession, ada: ClientUser) -> None:
    path = f"channels/{ada.channel().id}/messages"
    left = []
    for _ in range(2):
        async with http.post(path, json={"content": "x"}) as answer:
            left.append(answer.headers["X-RateLimit-Remaining"])
            assert answer.headers["X-RateLimit-Limit"] == "2"
    async with http.post(path, json={"content": "x"}) as answer:
        body = await answer.json()
        assert answer.status == 429
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Via"] == "1.1 google"
        assert (answer.headers["Retry-After"], answer.headers["X-RateLimit-Scope"]) == ("5", "user")
    assert left == ["1", "0"]
    assert (body["retry_after"], body["global"]) == (5.0, False)


async def test_a_bucket_fills_again_when_its_window_ends(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser, stopwatch: Stopwatch
) -> None:
    raw, path = RawClient(discord_server, http), f"channels/{ada.channel().id}/messages"
    statuses = [(await raw.call("POST", path, {"content": "x"}))[0] for _ in range(3)]
    stopwatch.seconds += 5.0
    statuses.append((await raw.call("POST", path, {"content": "x"}))[0])
    assert statuses == [200, 200, 429, 200]
    assert len(discord_server.traffic_log.list_rate_limited()) == discord_server.rate_limiter.rejected == 1


async def test_another_channel_has_a_bucket_of_its_own(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser
) -> None:
    raw = RawClient(discord_server, http)
    for name in ("general", "general", "random"):
        status, _ = await raw.call("POST", f"channels/{ada.channel(name).id}/messages", {"content": "x"})
        assert status == 200


async def test_edits_and_follow_ups_of_one_interaction_share_a_bucket(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser
) -> None:
    raw = RawClient(discord_server, http)
    await raw.register({"name": "say", "description": "Say it"})
    one, other = await ada.command("/say"), await ada.command("/say")
    for used in (one, other):
        await raw.respond(used, 4, content="x")
    statuses = [(await raw.hook("PATCH", one, "/messages/@original", content=f"{n}"))[0] for n in range(4)]
    statuses.append((await raw.hook("POST", one, content="5"))[0])
    statuses.append((await raw.hook("POST", one, content="6"))[0])
    assert statuses == [200] * 4 + [204, 429]
    assert (await raw.hook("POST", other, content="1"))[0] == 204


def test_fifty_requests_a_second_and_no_more_except_for_interactions(stopwatch: Stopwatch) -> None:
    rate_limiter = RateLimiter(stopwatch, stopwatch)
    passed = [rate_limiter.acquire("other", str(n), counts_globally=True).allowed for n in range(50)]
    refused = rate_limiter.acquire("other", "51", counts_globally=True)
    assert all(passed)
    assert refused.error_body is not None
    assert refused.error_body["global"]
    assert refused.headers["X-RateLimit-Scope"] == "global"
    assert rate_limiter.acquire("interaction.webhook", "token", counts_globally=False).allowed
