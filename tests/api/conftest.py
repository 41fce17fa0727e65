import random
from collections.abc import AsyncIterator, Callable

import pytest

from bot.api.client import ApiClient
from bot.api.limits import Limits
from bot.api.transport import open_session
from bot.clock import Clock
from bot.workers.intake import Intake
from tests.api.api_peers import KEY, NappingClock


@pytest.fixture
def clock() -> NappingClock:
    return NappingClock()


@pytest.fixture
async def connect(clock: NappingClock, intake: Intake) -> AsyncIterator[Callable[..., ApiClient]]:
    """Build clients for a peer; their connections end with the test."""
    async with open_session() as session:

        def build(base_url: str, *, limits: Limits | None = None, clock: Clock = clock, **more: str) -> ApiClient:
            return ApiClient(
                session,
                base_url=base_url,
                key=KEY,
                clock=clock,
                intake=intake,
                limits=limits or Limits(tail_s=60),
                random=random.Random(7).random,
                **more,
            )

        yield build
