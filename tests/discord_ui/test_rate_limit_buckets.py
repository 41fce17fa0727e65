"""What is left in the buckets of interactions and channels, as Discord's headers tell."""

import pytest

from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from tests.support.clock import FakeClock

PATH = "/api/v10/webhooks/1234/a-token/messages/@original"


def headers(bucket: str, left: int, reset_after_s: float) -> dict[str, str]:
    return {
        "X-RateLimit-Bucket": bucket,
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset-After": str(reset_after_s),
    }


async def test_nothing_is_known_at_first() -> None:
    room = RateLimitBuckets(FakeClock()).of("a-token")
    assert (room.remaining(), room.reset_after_s()) == (None, 0.0)


async def test_headers_tell_what_is_left_until_it_refills() -> None:
    clock = FakeClock()
    rooms = RateLimitBuckets(clock)
    room = rooms.of("a-token")
    rooms.learn("PATCH", PATH, headers("edits", 3, 2.0))
    assert (room.remaining(), room.reset_after_s()) == (3, 2.0)
    await clock.advance(2.5)
    assert (room.remaining(), room.reset_after_s()) == (None, 0.0)


async def test_the_scarcest_bucket_counts() -> None:
    rooms = RateLimitBuckets(FakeClock())
    room = rooms.of("a-token")
    rooms.learn("PATCH", PATH, headers("edits", 1, 5.0))
    rooms.learn("POST", "/api/v10/webhooks/1234/a-token", headers("follow-ups", 4, 1.0))
    assert (room.remaining(), room.reset_after_s()) == (1, 5.0)


@pytest.mark.parametrize("reset_after_s", ["inf", "nan", "-1", "1e300", "9" * 5000, "soon"])
async def test_an_absurd_time_tells_nothing(reset_after_s: str) -> None:
    rooms = RateLimitBuckets(FakeClock())
    rooms.learn("PATCH", PATH, {**headers("edits", 0, 1.0), "X-RateLimit-Reset-After": reset_after_s})
    assert rooms.of("a-token").remaining() is None


async def test_other_paths_and_tokens_do_not_count() -> None:
    rooms = RateLimitBuckets(FakeClock())
    room = rooms.of("a-token")
    for path in ("/api/v10/webhooks/1234/another/messages/@original", "/api/v10/channels/1/messages/2"):
        rooms.learn("PATCH", path, headers("edits", 0, 5.0))
    rooms.learn("PATCH", PATH, {"X-RateLimit-Remaining": "zero"})
    assert room.remaining() is None


async def test_a_room_nobody_writes_to_is_forgotten() -> None:
    rooms = RateLimitBuckets(FakeClock())
    room = rooms.of("a-token")
    rooms.learn("PATCH", PATH, headers("edits", 1, 5.0))
    del room
    assert rooms.of("a-token").remaining() is None


async def test_a_channel_has_a_room_for_new_messages_and_one_for_edits() -> None:
    rooms = RateLimitBuckets(FakeClock())
    room = rooms.of_channel(77)
    rooms.learn("POST", "/api/v10/channels/77/messages", headers("new", 4, 5.0))
    rooms.learn("PATCH", "/api/v10/channels/77/messages/8", headers("edits", 2, 3.0))
    for method, path in (("GET", "77/messages/8"), ("DELETE", "77/messages/8"), ("POST", "78/messages")):
        rooms.learn(method, f"/api/v10/channels/{path}", headers("others", 0, 9.0))
    rooms.learn("POST", "/api/v10/channels/77/typing", headers("typing", 0, 9.0))
    assert (room.new.remaining(), room.edits.remaining()) == (4, 2)
    assert (room.new.reset_after_s(), room.edits.reset_after_s()) == (5.0, 3.0)
    assert rooms.of_channel(77) is room
