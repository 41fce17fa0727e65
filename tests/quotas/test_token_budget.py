"""Answers that grow: in blocks, ahead of need, and never beyond a limit, whatever runs at once."""

import asyncio
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import QuotaExceeded, StoreUnavailable
from bot.messages.render import render
from bot.quotas.ledger import Ledger
from bot.quotas.token_budget import BLOCK_TOKENS, PREFETCH_BELOW, TokenBudget
from bot.store.database import Database, Row, Transaction, Work
from bot.store.open import open_database
from bot.store.quota_limits import Kind, Limit, Period, QuotaLimits, Scope
from tests.support.clock import FakeClock
from tests.support.quotas import CHANNEL, GUILD, USAGE_KEYS, FakeProcess, operator_limits, requester

T = TypeVar("T")

TOKENS = "SELECT settled, reserved FROM usage_counters WHERE kind = 'tokens'"
LIMIT = 4_000


class Granter:
    """Grants so many blocks, each when told to."""

    def __init__(self, blocks: int) -> None:
        self.left = blocks
        self.asked = 0
        self.let_go = asyncio.Event()

    def __call__(self, more: int) -> asyncio.Task[StoreUnavailable | None]:
        assert more == BLOCK_TOKENS
        self.asked += 1
        return asyncio.create_task(self.answer())

    async def answer(self) -> StoreUnavailable | None:
        await self.let_go.wait()
        self.left -= 1
        return None if self.left >= 0 else StoreUnavailable("no more")


async def test_the_next_block_is_asked_for_ahead_and_nobody_waits_for_it() -> None:
    granter = Granter(1)
    allowance = TokenBudget(BLOCK_TOKENS, granter)
    assert await allowance.ensure(BLOCK_TOKENS - PREFETCH_BELOW) == BLOCK_TOKENS - PREFETCH_BELOW
    assert granter.asked == 0
    for total in range(BLOCK_TOKENS - PREFETCH_BELOW + 1, BLOCK_TOKENS + 1):
        assert await allowance.ensure(total) == total
    assert granter.asked == 1
    granter.let_go.set()
    assert await allowance.ensure(2 * BLOCK_TOKENS) == 2 * BLOCK_TOKENS


async def test_what_is_not_granted_is_not_reached_and_the_reason_is_told() -> None:
    granter = Granter(1)
    granter.let_go.set()
    allowance = TokenBudget(BLOCK_TOKENS, granter)
    assert await allowance.ensure(10 * BLOCK_TOKENS) == 2 * BLOCK_TOKENS
    assert str(allowance.refused) == "no more"


async def test_a_refusal_ahead_is_asked_about_once_more_in_need() -> None:
    granter = Granter(0)
    granter.let_go.set()
    allowance = TokenBudget(BLOCK_TOKENS, granter)
    for total in range(BLOCK_TOKENS):
        await allowance.ensure(total)
        await asyncio.sleep(0)
    assert granter.asked == 1
    granter.left = 1  # somebody gave something back
    assert await allowance.ensure(BLOCK_TOKENS + 1) == BLOCK_TOKENS + 1
    assert allowance.refused is None


async def test_a_stopped_answer_leaves_its_question_to_be_answered() -> None:
    granter = Granter(1)
    allowance = TokenBudget(BLOCK_TOKENS, granter)
    waiting = asyncio.create_task(allowance.ensure(BLOCK_TOKENS + 1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    granter.let_go.set()
    assert await allowance.ensure(BLOCK_TOKENS + 1) == BLOCK_TOKENS + 1
    assert granter.asked == 1


async def test_a_running_answer_holds_what_it_was_granted_and_gives_back_the_rest(
    database: Database, clock: FakeClock
) -> None:
    ledger = Ledger(database, operator_limits(server_tokens=LIMIT), USAGE_KEYS, clock, process=FakeProcess("one"))
    async with ledger.running(), await ledger.reserve(requester(), {Kind.TOKENS: 100 + BLOCK_TOKENS}) as reservation:
        allowance = ledger.token_budget(reservation, Kind.TOKENS)
        assert (
            await allowance.ensure(900) == 900
        )  # far enough from what was granted: no further block is asked for ahead
        assert await rows(database) == [(0, 100 + 4 * BLOCK_TOKENS)]
        assert await allowance.ensure(LIMIT) == allowance.granted == 100 + 15 * BLOCK_TOKENS
        assert isinstance(allowance.refused, QuotaExceeded)
        assert "this server's limit has no room for more: 4,000 tokens per day." in render(allowance.refused.message)
        reservation.set_spent({Kind.TOKENS: 700})
    assert await rows(database) == [(700, 0)]


async def test_a_limit_set_meanwhile_holds_for_windows_that_are_counted(database: Database, clock: FakeClock) -> None:
    ledger = Ledger(database, operator_limits(), USAGE_KEYS, clock, process=FakeProcess("one"))
    async with await ledger.reserve(requester(), {Kind.TOKENS: BLOCK_TOKENS}) as reservation:
        allowance = ledger.token_budget(reservation, Kind.TOKENS)
        assert await allowance.ensure(2 * BLOCK_TOKENS) == 2 * BLOCK_TOKENS
        rule = Limit(Scope.SERVER, None, Kind.TOKENS, Period.DAY, 3 * BLOCK_TOKENS)
        await QuotaLimits(database).set(GUILD, rule, max_count=1, by=1, at_ms=0)
        assert await allowance.ensure(9 * BLOCK_TOKENS) == 3 * BLOCK_TOKENS


async def test_a_store_that_cannot_be_asked_grants_nothing(database: Database, clock: FakeClock) -> None:
    class Locked:
        read = database.read

        async def write(self, work: Work[T]) -> T:
            if self.now:
                raise StoreUnavailable("a test says so")
            return await database.write(work)

        now = False

    locked = Locked()
    ledger = Ledger(locked, operator_limits(), USAGE_KEYS, clock, process=FakeProcess("one"))
    async with await ledger.reserve(requester(), {Kind.TOKENS: BLOCK_TOKENS}) as reservation:
        locked.now = True
        allowance = ledger.token_budget(reservation, Kind.TOKENS)
        assert await allowance.ensure(BLOCK_TOKENS + 1) == BLOCK_TOKENS
        assert isinstance(allowance.refused, StoreUnavailable)
        locked.now = False
        assert await allowance.ensure(BLOCK_TOKENS + 1) == BLOCK_TOKENS + 1


Stream = tuple[int, int, list[int], int]
"""Which process, the prompt's tokens, the sizes of the pieces that come, what the API says it was in the end."""

streams = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(1, 400), st.lists(st.integers(1, 300), max_size=12), st.integers(0, 3_000)
    ),
    min_size=2,
    max_size=10,
)


@given(streams)
@settings(max_examples=25)
def test_whatever_grows_at_once_no_limit_is_passed_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, plan: list[Stream]
) -> None:
    address = f"sqlite:///{tmp_path_factory.mktemp('growth') / 'bot.db'}"
    spent, seen, windows = asyncio.run(carry_out(address, plan))
    assert max((used for used, _ in seen), default=0) <= LIMIT
    assert sum(settled for settled, _ in windows["server"]) == spent
    assert sum(settled for settled, _ in windows["channel"]) == spent
    assert all(reserved == 0 for found in windows.values() for _, reserved in found)


async def carry_out(address: str, plan: list[Stream]) -> tuple[int, list[tuple[int, int]], dict[str, list[Row]]]:
    """Do all of `plan` at once; give what was spent, what was seen of the limited window, and all windows then."""
    clock = FakeClock()
    async with open_database(address) as one, open_database(address) as two:
        rule = Limit(Scope.CHANNEL, CHANNEL, Kind.TOKENS, Period.DAY, LIMIT)
        await QuotaLimits(one).set(GUILD, rule, max_count=1, by=1, at_ms=0)
        ledgers = [
            Ledger(database, operator_limits(server_tokens=LIMIT + 500), USAGE_KEYS, clock, process=FakeProcess(name))
            for name, database in (("one", one), ("two", two))
        ]

        async def stream(process: int, prompt: int, pieces: list[int], reported: int) -> int:
            ledger = ledgers[process]
            try:
                reservation = await ledger.reserve(requester(), {Kind.TOKENS: prompt + BLOCK_TOKENS})
            except QuotaExceeded:
                return 0
            async with reservation:
                allowance, total = ledger.token_budget(reservation, Kind.TOKENS), prompt
                for piece in pieces:
                    total = await allowance.ensure(total + piece)
                    assert total <= allowance.granted
                    if allowance.refused is not None:
                        break
                spent = total if allowance.refused is not None else reported
                reservation.set_spent({Kind.TOKENS: spent})
            return spent

        seen: list[tuple[int, int]] = []

        async def look() -> None:
            found = await one.read(lambda transaction: transaction.fetch_all(f"{TOKENS} AND scope = 'channel'"))
            seen.extend((settled + reserved, reserved) for settled, reserved in found[:1])

        async with ledgers[0].running(), ledgers[1].running():
            streaming = asyncio.gather(*(stream(*each) for each in plan))
            while not streaming.done():
                await look()
            await look()
        windows = {scope: await one.read(partial(_fetch_windows, scope)) for scope in ("server", "channel")}
        return sum(await streaming), seen, windows


async def _fetch_windows(scope: str, transaction: Transaction) -> list[Row]:
    return await transaction.fetch_all(f"{TOKENS} AND scope = '{scope}'")


async def rows(database: Database) -> list[tuple[int, int]]:
    return await database.read(lambda transaction: transaction.fetch_all(TOKENS))
