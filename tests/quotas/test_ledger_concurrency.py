"""Limits under real concurrency: many tasks, and two processes' worth of connections on one file."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import QuotaExceeded
from bot.quotas.ledger import Ledger, Reservation
from bot.store.database import Database
from bot.store.open import open_database
from bot.store.quota_limits import Kind
from tests.support.clock import FakeClock
from tests.support.quotas import USAGE_KEYS, FakeProcess, operator_limits, requester

MESSAGE = {Kind.MESSAGES: 1}
USED = "SELECT settled, reserved FROM usage_counters WHERE scope = 'server'"


async def rush(ledgers: list[Ledger], members: int, asks: int) -> list[Reservation]:
    """Let `members` ask `asks` times in all, at once; give what was granted."""
    outcomes = await asyncio.gather(
        *(ledgers[ask % len(ledgers)].reserve(requester(ask % members + 1), MESSAGE) for ask in range(asks)),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} <= {Reservation, QuotaExceeded}
    return [outcome for outcome in outcomes if isinstance(outcome, Reservation)]


async def test_two_hundred_asks_at_once_under_a_ceiling_of_forty(database: Database, clock: FakeClock) -> None:
    ledger = Ledger(
        database,
        operator_limits(server_messages=40, member_messages=100),
        USAGE_KEYS,
        clock,
        process=FakeProcess("one"),
    )
    granted = await rush([ledger], members=20, asks=200)
    assert len(granted) == 40
    await asyncio.gather(*(ledger.release(reservation) for reservation in granted[:10]))
    await asyncio.gather(*(ledger.settle(reservation, MESSAGE) for reservation in granted[10:]))
    assert len(await rush([ledger], members=20, asks=10)) == 10
    assert await rush([ledger], members=20, asks=1) == []


async def test_two_processes_at_once_grant_no_more_than_one(url: str, clock: FakeClock) -> None:
    limits = operator_limits(server_messages=12, member_messages=3)
    async with open_database(url) as one, open_database(url) as two:
        ledgers = [
            Ledger(one, limits, USAGE_KEYS, clock, process=FakeProcess("one")),
            Ledger(two, limits, USAGE_KEYS, clock, process=FakeProcess("two")),
        ]
        granted = await rush(ledgers, members=3, asks=30)
        assert len(granted) == 9
        granted += await rush(ledgers, members=10, asks=30)
        assert len(granted) == 12


Plan = tuple[int, int, int, int]
"""Which process, which member, how much is reserved, how much of it is then spent."""

plans = st.lists(
    st.integers(0, 6).flatmap(
        lambda amount: st.tuples(st.integers(0, 1), st.integers(1, 3), st.just(amount), st.integers(0, amount))
    ),
    min_size=2,
    max_size=12,
)


@given(plans)
@settings(max_examples=25)
def test_whatever_runs_at_once_no_limit_is_passed_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, plan: list[Plan]
) -> None:
    address = f"sqlite:///{tmp_path_factory.mktemp('rush') / 'bot.db'}"
    settled, seen = asyncio.run(carry_out(address, plan))
    assert max((used for used, _ in seen), default=0) <= 10
    assert seen[-1:] in ([], [(settled, 0)])


async def carry_out(address: str, plan: list[Plan]) -> tuple[int, list[tuple[int, int]]]:
    """Do all of `plan` at once; give what was spent, and (used, still reserved) as seen meanwhile and at the end."""
    clock = FakeClock()
    async with open_database(address) as one, open_database(address) as two:
        ledgers = [
            Ledger(
                database,
                operator_limits(server_images=10, member_images=6),
                USAGE_KEYS,
                clock,
                process=FakeProcess(name),
            )
            for name, database in (("one", one), ("two", two))
        ]

        async def ask(process: int, member: int, amount: int, spent: int) -> int:
            try:
                reservation = await ledgers[process].reserve(requester(member), {Kind.IMAGES: amount})
            except QuotaExceeded:
                return 0
            async with reservation:
                reservation.set_spent({Kind.IMAGES: spent})
            return spent

        seen: list[tuple[int, int]] = []

        async def look() -> None:
            rows = await one.read(lambda transaction: transaction.fetch_all(USED))
            seen.extend((settled + reserved, reserved) for settled, reserved in rows)

        asking = asyncio.gather(*(ask(*each) for each in plan))
        while not asking.done():
            await look()
        await look()
        return sum(await asking), seen
