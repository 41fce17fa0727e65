import asyncio

import pytest

from bot.store.database import Database, Work
from bot.store.spending import Claim, Overdraw, Spending, UsageWindow

DAY = 86_400_000
MEMBER = UsageWindow("member", 1, "images", "day", 0, DAY)
SERVER = UsageWindow("server", 7, "images", "day", 0, DAY)


@pytest.fixture
def spending(database: Database) -> Spending:
    return Spending(database)


async def hold(spending: Spending, reservation_id: int, amount: int = 4, until_ms: int = 60) -> list[Overdraw]:
    claims = [Claim(MEMBER, amount, limit=5), Claim(SERVER, amount, limit=None)]
    return await spending.reserve(reservation_id, claims, process="p", now_ms=0, lease_until_ms=until_ms)


async def test_a_claim_over_its_limit_is_told_with_what_was_used(spending: Spending) -> None:
    assert await hold(spending, 1) == []
    assert await hold(spending, 2) == [Overdraw(Claim(MEMBER, 4, limit=5), used=4)]
    assert await spending.used([MEMBER, SERVER]) == [4, 4]


async def test_settling_counts_by_position_and_once(spending: Spending) -> None:
    await hold(spending, 1)
    assert await spending.settle(1, {0: 3, 1: 2}) is True
    assert await spending.settle(1, {0: 3, 1: 2}) is False
    assert await spending.used([MEMBER, SERVER]) == [3, 2]


async def test_of_two_who_free_the_same_reservation_one_does(database: Database, spending: Spending) -> None:
    await hold(spending, 1)
    assert sum(await asyncio.gather(spending.free_expired(60), Spending(database).free_expired(60))) == 1
    assert await spending.used([MEMBER, SERVER]) == [0, 0]


async def test_a_lease_renewed_at_the_last_moment_is_not_freed(database: Database, spending: Spending) -> None:
    class RenewedBeforeTheFirstWrite:
        read = database.read

        async def write(self, work: Work) -> object:
            await spending.renew("p", reserved_after_ms=-1, lease_until_ms=120)
            return await database.write(work)

    await hold(spending, 1)
    assert await Spending(RenewedBeforeTheFirstWrite()).free_expired(60) == 0
    assert await spending.used([MEMBER]) == [4]


async def test_more_expired_reservations_than_one_look_finds_are_all_freed(spending: Spending) -> None:
    for reservation_id in range(230):
        await hold(spending, reservation_id, amount=0, until_ms=reservation_id)
    assert await spending.free_expired(219) == 220
    assert await spending.free_expired(1_000) == 10


async def test_only_the_processes_own_young_leases_are_renewed(spending: Spending) -> None:
    await hold(spending, 1)
    assert await spending.renew("another", reserved_after_ms=-1, lease_until_ms=120) == 0
    assert await spending.renew("p", reserved_after_ms=0, lease_until_ms=120) == 0
    assert await spending.renew("p", reserved_after_ms=-1, lease_until_ms=120) == 1
