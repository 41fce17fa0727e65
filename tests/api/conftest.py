import random
from collections.abc import AsyncIterator, Callable

import pytest

from bot.api.api_client import ApiClient
from bot.api.transport import CallLimits, open_session
from bot.clock import Clock
from bot.workers.pool import DecodingWorkers
from tests.api.api_peers import KEY
from tests.support.clock import ShortPauseClock


@pytest.fixture
def clock() -> ShortPauseClock:
    return ShortPauseClock()


@pytest.fixture
async def connect(clock: ShortPauseClock, workers: DecodingWorkers) -> AsyncIterator[Callable[..., ApiClient]]:
    """Build clients for a peer; their connections end with the test."""
    async with open_session() as session:

        def build(base_url: str, *, limits: CallLimits | None = None, clock: Clock = clock, **more: str) -> ApiClient:
            return ApiClient(
                session,
                base_url=base_url,
                key=KEY,
                clock=clock,
                workers=workers,
                limits=limits or CallLimits(tail_s=60),
                random=random.Random(7).random,
                **more,
            )

        yield build
