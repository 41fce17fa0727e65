"""Rate limits: their headers, their buckets and the 429 behind them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client.user import Person
from sandbox.discord.rate_limits import Buckets, Rate
from sandbox.discord.server import DiscordStandIn
from sandbox.discord.state import World
from tests.sandbox.raw_client import BareBot


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
async def standin(stopwatch: Stopwatch) -> AsyncIterator[DiscordStandIn]:
    world = World()
    world.populate()
    async with DiscordStandIn(world, monotonic=stopwatch, rates={"message.create": Rate(2, 5.0)}) as served:
        yield served


async def test_headers_count_down_and_the_next_request_is_a_429(http: aiohttp.ClientSession, ada: Person):
    path = f"channels/{ada.place().id}/messages"
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
    standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person, stopwatch: Stopwatch
):
    bare, path = BareBot(standin, http), f"channels/{ada.place().id}/messages"
    statuses = [(await bare.call("POST", path, {"content": "x"}))[0] for _ in range(3)]
    stopwatch.seconds += 5.0
    statuses.append((await bare.call("POST", path, {"content": "x"}))[0])
    assert statuses == [200, 200, 429, 200]
    assert len(standin.journal.limited()) == standin.buckets.limited == 1


async def test_another_channel_has_a_bucket_of_its_own(
    standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person
):
    bare = BareBot(standin, http)
    for name in ("general", "general", "random"):
        status, _ = await bare.call("POST", f"channels/{ada.place(name).id}/messages", {"content": "x"})
        assert status == 200


async def test_edits_and_follow_ups_of_one_interaction_share_a_bucket(
    standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person
):
    bare = BareBot(standin, http)
    await bare.register({"name": "say", "description": "Say it"})
    one, other = await ada.command("/say"), await ada.command("/say")
    for used in (one, other):
        await bare.respond(used, 4, content="x")
    statuses = [(await bare.hook("PATCH", one, "/messages/@original", content=f"{n}"))[0] for n in range(4)]
    statuses.append((await bare.hook("POST", one, content="5"))[0])
    statuses.append((await bare.hook("POST", one, content="6"))[0])
    assert statuses == [200] * 4 + [204, 429]
    assert (await bare.hook("POST", other, content="1"))[0] == 204


def test_fifty_requests_a_second_and_no_more_except_for_interactions(stopwatch: Stopwatch):
    buckets = Buckets(stopwatch, stopwatch)
    passed = [buckets.take("other", str(n), counts_globally=True).allowed for n in range(50)]
    refused = buckets.take("other", "51", counts_globally=True)
    assert all(passed)
    assert refused.refusal is not None
    assert refused.refusal["global"]
    assert refused.headers["X-RateLimit-Scope"] == "global"
    assert buckets.take("interaction.webhook", "token", counts_globally=False).allowed
