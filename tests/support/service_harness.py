"""A place to work in for tests of what is spent on an API: a server on loopback, the real client, a real ledger."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.api.api_client import ApiClient
from bot.api.transport import open_session
from bot.quotas.ledger import Ledger
from bot.quotas.resolver import OperatorLimits, UsageKeys, UsageScope, derive_key
from bot.quotas.usage import UsageReader
from bot.speech.pronunciations import Pronunciations
from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.deferred_writes import DeferredWrites
from bot.store.image_generations import ImageGenerations
from bot.store.open import open_database
from bot.store.pronunciations import StoredPronunciations
from bot.store.quota_limits import Kind
from bot.store.tombstones import Tombstones
from bot.workers.pool import DecodingWorkers
from tests.support.clock import NOON, ShortPauseClock
from tests.support.quotas import FakeProcess
from tests.support.requests import make_requester

REQUESTER = make_requester(42)
DEADLINE_S = 20

Handler = Callable[[dict[str, Any], web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ServiceHarness:
    """What a use case is built from, and what its API was asked."""

    api: ApiClient
    ledger: Ledger
    meter: UsageReader
    pronunciations: Pronunciations
    workers: DecodingWorkers
    conversations: Conversations
    generations: ImageGenerations
    database: Database
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def used(self, kind: Kind) -> int:
        """What counts against the member's limit, settled or held back."""
        lines = await self.meter.list_for_requester(REQUESTER)
        return next(
            line.used for line in lines if line.applicable.usage_scope is UsageScope.MEMBER and line.limit.kind is kind
        )


@asynccontextmanager
async def open_service_harness(folder: Path, handle: Handler, **limits: int) -> AsyncIterator[ServiceHarness]:
    """Open one. `handle` gets each request's JSON; `limits` are ceilings, the others are unlimited."""
    asked: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        wanted = await request.json()
        asked.append(wanted)
        return await handle(wanted, request)

    app = web.Application()
    app.router.add_post("/v1/{call:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        clock = ShortPauseClock(NOON, skip_below_s=10)
        ceilings = OperatorLimits(**(dict.fromkeys(OperatorLimits.__dataclass_fields__) | limits))
        async with (
            DecodingWorkers() as workers,
            open_session() as session,
            open_database(f"sqlite:///{folder / 'bot.db'}") as database,
        ):
            subjects = UsageKeys(derive_key("a token"))
            ledger = Ledger(database, ceilings, subjects, clock, process=FakeProcess("test"))
            meter = UsageReader(database, ceilings, subjects, clock)
            api = ApiClient(
                session, base_url=base_url, key="sk-test", clock=clock, workers=workers, random=random.Random(7).random
            )
            pronunciations = Pronunciations(StoredPronunciations(database), clock)
            tombstones, deferred_writes = Tombstones(subjects.erasure_key), DeferredWrites(clock)
            conversations = Conversations(database, tombstones, deferred_writes)
            generations = ImageGenerations(database, tombstones, deferred_writes)
            async with ledger.running():
                yield ServiceHarness(
                    api, ledger, meter, pronunciations, workers, conversations, generations, database, asked
                )
    finally:
        await runner.cleanup()


def error_response(status: int, code: str = "") -> web.Response:
    """An error as OpenAI's API sends it."""
    return web.json_response({"error": {"message": "No.", "type": "error", "code": code or None}}, status=status)
