import asyncio
from collections.abc import Sequence

import pytest

from bot.errors import StoreUnavailable
from bot.store.database import Database
from bot.store.usage import Claim, LimitExceeded, ReservationResult, Spent, UsageCounter, UsageStore
from tests.support.claims import FixedClaims, claims_from

DAY = 86_400_000
MEMBER = UsageCounter("member", 1, "images", "day", 0, DAY)
NEXT = UsageCounter("member", 1, "images", "day", DAY, 2 * DAY)
SERVER = UsageCounter("server", 7, "images", "day", 0, DAY)


@pytest.fixture
def spending(database: Database) -> UsageStore:
    return UsageStore(database)


async def hold(spending: UsageStore, reservation_id: int, amount: int = 4) -> Sequence[LimitExceeded]:
    claims = [Claim(MEMBER, amount, limit=5), Claim(SERVER, amount, limit=None)]
    granted = await spending.reserve(reservation_id, FixedClaims(claims), process="p", now_ms=reservation_id)
    return granted.exceeded


async def grow(spending: UsageStore, more: int, held: int = 4, limit: int | None = 5) -> ReservationResult:
    """Grow the first reservation's hold in the member's window."""
    claims = {0: Claim(MEMBER, held, limit=5)}
    return await spending.grow(1, FixedClaims([Claim(MEMBER, more, limit)]), claims, more, process="q")


async def used(spending: UsageStore, *windows: UsageCounter) -> list[int]:
    return list((await spending.get_used(claims_from(*windows))).values())


def spent(*amounts: int, limit: int | None = 5) -> list[Spent]:
    return [Spent(amount, limit, following) for amount, following in zip(amounts, (NEXT, SERVER), strict=True)]


async def test_a_claim_over_its_limit_is_told_with_what_was_used(spending: UsageStore) -> None:
    assert await hold(spending, 1) == ()
    assert await hold(spending, 2) == [LimitExceeded(Claim(MEMBER, 4, limit=5), used=4)]
    assert await used(spending, MEMBER, SERVER) == [4, 4]


async def test_settling_counts_by_position_and_once(spending: UsageStore) -> None:
    await hold(spending, 1)
    assert await spending.settle(1, spent(3, 2)) is True
    assert await spending.settle(1, spent(3, 2)) is False
    assert await used(spending, MEMBER, SERVER) == [3, 2]


async def test_a_hold_grows_as_far_as_its_limit(spending: UsageStore) -> None:
    await hold(spending, 1)
    assert await grow(spending, 1) == ReservationResult([Claim(MEMBER, 5, limit=5)])
    assert await grow(spending, 1, held=5) == ReservationResult((), [LimitExceeded(Claim(MEMBER, 1, limit=5), used=5)])
    assert await used(spending, MEMBER, SERVER) == [5, 4]
    assert await spending.settle(1, spent(2, 2))
    assert await used(spending, MEMBER) == [2]


async def test_a_hold_grows_under_the_limit_of_the_moment(spending: UsageStore) -> None:
    await hold(spending, 1)
    assert (await grow(spending, 1, limit=4)).exceeded
    assert await grow(spending, 90, limit=100) == ReservationResult([Claim(MEMBER, 94, limit=100)])
    cleared = await spending.grow(1, FixedClaims([]), {0: Claim(MEMBER, 94, limit=100)}, 90, process="q")
    assert cleared == ReservationResult([Claim(MEMBER, 184, limit=None)])


async def test_a_hold_that_was_given_back_is_taken_again_whole(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.free(1, "p", 60)
    assert await grow(spending, 1) == ReservationResult([Claim(MEMBER, 5, limit=5)])
    assert await used(spending, MEMBER) == [5]
    assert not await spending.free(1, "p", 199)  # it belongs to the process that reserved it again
    assert await spending.free(1, "q", 200)


async def test_a_hold_given_back_and_used_by_others_cannot_grow(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.free(1, "p", 60)
    await hold(spending, 2)
    assert (await grow(spending, 1)).exceeded == [LimitExceeded(Claim(MEMBER, 5, limit=5), used=4)]
    assert await used(spending, MEMBER) == [4]


async def test_what_is_due_is_counted_where_nobody_settles(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.set_due(1, {1: 3})
    assert await used(spending, MEMBER, SERVER) == [4, 4]
    assert await spending.free(1, "p", 60)
    assert await used(spending, MEMBER, SERVER) == [0, 3]


async def test_what_was_due_is_part_of_what_is_settled_later(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.set_due(1, {0: 2, 1: 3})
    await spending.free(1, "p", 60)
    await spending.set_due(1, {0: 4})  # came too late: what is counted stays what is due
    assert await spending.settle(1, spent(5, 1))
    assert await used(spending, MEMBER, SERVER, NEXT) == [5, 1, 0]


async def test_what_is_due_grows_with_the_hold_less_the_last_step(spending: UsageStore) -> None:
    await hold(spending, 1, amount=1)
    await spending.set_due(1, {0: 1})
    await grow(spending, 2, held=1)
    await spending.free(1, "p", 60)
    assert await used(spending, MEMBER) == [1]
    assert await grow(spending, 2, held=3) == ReservationResult([Claim(MEMBER, 5, limit=5)])
    assert await used(spending, MEMBER) == [5]
    await spending.free(1, "q", 200)
    assert await used(spending, MEMBER) == [1]


async def test_what_has_ended_does_not_grow(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.settle(1, spent(1, 1))
    with pytest.raises(StoreUnavailable, match="ended"):
        await grow(spending, 1)
    assert await used(spending, MEMBER) == [1]


async def test_what_finds_no_room_beyond_the_hold_is_carried_into_the_next_window(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.settle(1, spent(7, 7))
    assert await used(spending, MEMBER, NEXT) == [5, 2]
    await hold(spending, 2, amount=0)
    await spending.settle(2, spent(3, 0))
    assert await used(spending, MEMBER, NEXT) == [5, 5]


async def test_what_was_held_is_never_carried_even_over_a_limit_lowered_since(spending: UsageStore) -> None:
    await hold(spending, 1)
    await spending.settle(1, spent(4, 4, limit=1))
    assert await used(spending, MEMBER, NEXT) == [4, 0]


async def test_of_two_who_free_the_same_reservation_one_does(database: Database, spending: UsageStore) -> None:
    await hold(spending, 1)
    freed = await asyncio.gather(spending.free(1, "p", 60), UsageStore(database).free(1, "p", 60))
    assert sorted(freed) == [False, True]
    assert await used(spending, MEMBER, SERVER) == [0, 0]


async def test_what_a_process_has_reserved_is_listed_until_it_is_settled_or_freed(spending: UsageStore) -> None:
    for reservation_id in (1, 2, 3):
        await hold(spending, reservation_id, amount=0)
    assert await spending.list_open("p") == {1: 1, 2: 2, 3: 3}
    assert await spending.list_open("another") == {}
    await spending.settle(1, spent(0, 0))
    await spending.free(2, "p", 60)
    assert await spending.list_open("p") == {3: 3}


async def test_only_the_processes_own_reservations_are_freed(spending: UsageStore) -> None:
    await hold(spending, 1)
    assert not await spending.free(1, "another", 60)
    assert await used(spending, MEMBER) == [4]


async def test_what_was_freed_can_still_be_settled(spending: UsageStore) -> None:
    await hold(spending, 1)
    assert await spending.free(1, "p", 0)
    assert await used(spending, MEMBER) == [0]
    assert await spending.settle(1, spent(2, 2))
    assert not await spending.free(1, "p", 0)
    assert await used(spending, MEMBER) == [2]
