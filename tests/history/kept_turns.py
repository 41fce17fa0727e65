"""A turn to vary, and a clock that says when somebody sleeps on it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bot.clock import unix_ms
from bot.context import Permission, RequestContext
from bot.store.turns import NewTurn
from tests.support.clock import FakeClock

Say = Callable[..., Awaitable[int | None]]

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
GUILD, CHANNEL, ANN, BEN = 7, 10, 1, 2
TURN = NewTurn(
    channel_id=CHANNEL,
    parent_channel_id=None,
    guild_id=GUILD,
    author_id=ANN,
    author_name="Ann",
    private=False,
    fresh=False,
    question="why?",
    answer="because",
    finish="complete",
    model="gpt-4.1",
    prompt_tokens=120,
    answer_tokens=30,
    tokens_estimated=True,
    question_message_id=None,
    answer_message_ids=(501, 502),
    asked_at_ms=unix_ms(NOON) - 1000,
    created_at_ms=unix_ms(NOON),
)

ANNA = RequestContext(
    user_id=ANN,
    name="Ann",
    guild_id=GUILD,
    channel_id=CHANNEL,
    settings_channel_id=CHANNEL,
    permissions=frozenset({Permission.READ_MESSAGE_HISTORY, Permission.MANAGE_MESSAGES}),
)


class SleepClock(FakeClock):
    """A hand-moved clock on which one task sleeps again and again; its work in between takes real time."""

    def __init__(self, *, told: bool = True) -> None:
        super().__init__(NOON, told=told)
        self.slept: list[float] = []
        self._asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._asleep.set()
        await super().sleep(seconds)

    async def asleep(self) -> float:
        """Wait until it sleeps, and tell for how long."""
        await asyncio.wait_for(self._asleep.wait(), timeout=10)
        return self.slept[-1]

    async def sleep_over(self) -> float:
        """Let the sleep pass and wait for the next one; tell how long that is."""
        seconds = await self.asleep()
        self._asleep.clear()
        await self.advance(seconds)
        return await self.asleep()
