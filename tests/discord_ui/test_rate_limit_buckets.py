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
    bucket = RateLimitBuckets(FakeClock()).for_interaction("a-token")
    assert (bucket.remaining(), bucket.reset_after_s()) == (None, 0.0)


async def test_headers_tell_what_is_left_until_it_refills() -> None:
    clock = FakeClock()
    buckets = RateLimitBuckets(clock)
    bucket = buckets.for_interaction("a-token")
    buckets.update("PATCH", PATH, headers("edits", 3, 2.0))
    assert (bucket.remaining(), bucket.reset_after_s()) == (3, 2.0)
    await clock.advance(2.5)
    assert (bucket.remaining(), bucket.reset_after_s()) == (None, 0.0)


async def test_the_scarcest_bucket_counts() -> None:
    buckets = RateLimitBuckets(FakeClock())
    bucket = buckets.for_interaction("a-token")
    buckets.update("PATCH", PATH, headers("edits", 1, 5.0))
    buckets.update("POST", "/api/v10/webhooks/1234/a-token", headers("follow-ups", 4, 1.0))
    assert (bucket.remaining(), bucket.reset_after_s()) == (1, 5.0)


@pytest.mark.parametrize("reset_after_s", ["inf", "nan", "-1", "1e300", "9" * 5000, "soon"])
async def test_an_absurd_time_tells_nothing(reset_after_s: str) -> None:
    buckets = RateLimitBuckets(FakeClock())
    buckets.update("PATCH", PATH, {**headers("edits", 0, 1.0), "X-RateLimit-Reset-After": reset_after_s})
    assert buckets.for_interaction("a-token").remaining() is None


async def test_other_paths_and_tokens_do_not_count() -> None:
    buckets = RateLimitBuckets(FakeClock())
    bucket = buckets.for_interaction("a-token")
    for path in ("/api/v10/webhooks/1234/another/messages/@original", "/api/v10/channels/1/messages/2"):
        buckets.update("PATCH", path, headers("edits", 0, 5.0))
    buckets.update("PATCH", PATH, {"X-RateLimit-Remaining": "zero"})
    assert bucket.remaining() is None


async def test_a_bucket_that_is_not_held_is_dropped() -> None:
    buckets = RateLimitBuckets(FakeClock())
    bucket = buckets.for_interaction("a-token")
    buckets.update("PATCH", PATH, headers("edits", 1, 5.0))
    del bucket
    assert buckets.for_interaction("a-token").remaining() is None


async def test_a_channel_has_a_bucket_for_new_messages_and_one_for_edits() -> None:
    buckets = RateLimitBuckets(FakeClock())
    bucket = buckets.for_channel(77)
    buckets.update("POST", "/api/v10/channels/77/messages", headers("new", 4, 5.0))
    buckets.update("PATCH", "/api/v10/channels/77/messages/8", headers("edits", 2, 3.0))
    for method, path in (("GET", "77/messages/8"), ("DELETE", "77/messages/8"), ("POST", "78/messages")):
        buckets.update(method, f"/api/v10/channels/{path}", headers("others", 0, 9.0))
    buckets.update("POST", "/api/v10/channels/77/typing", headers("typing", 0, 9.0))
    assert (bucket.new.remaining(), bucket.edits.remaining()) == (4, 2)
    assert (bucket.new.reset_after_s(), bucket.edits.reset_after_s()) == (5.0, 3.0)
    assert buckets.for_channel(77) is bucket
