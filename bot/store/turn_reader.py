"""Reads stored turns: a channel's as one member may see them, and all of one member's.

A member sees a channel's public turns and their own private ones there. Turns are read in stretches, so that a
long history holds up no other reader, and from the newest back, so that what does not fit is the oldest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.store.database import Database, Transaction
from bot.store.deferred_writes import DeferredWrites
from bot.store.turns import COLUMNS, Turn, build_turn

_BEFORE = """
    WITH public_part (id) AS (
        SELECT id FROM turns WHERE channel_id = ? AND private = 0 AND id < ? ORDER BY id DESC LIMIT ?
    ), own_part (id) AS (
        SELECT id FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 AND id < ? ORDER BY id DESC LIMIT ?
    )
    SELECT id FROM public_part UNION ALL SELECT id FROM own_part ORDER BY id DESC LIMIT ?
"""

_AFTER = """
    WITH public_part (id) AS (
        SELECT id FROM turns WHERE channel_id = ? AND private = 0 AND id > ? ORDER BY id LIMIT ?
    ), own_part (id) AS (
        SELECT id FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 AND id > ? ORDER BY id LIMIT ?
    )
    SELECT id FROM public_part UNION ALL SELECT id FROM own_part ORDER BY id LIMIT ?
"""

_COUNT_PUBLIC = "SELECT count(*) FROM turns WHERE channel_id = ? AND private = 0 AND id > ?"

_COUNT_OWN = "SELECT count(*) FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 AND id > ?"

_OF_AUTHOR = "SELECT id FROM turns WHERE author_id = ? AND id < ? ORDER BY id DESC LIMIT ?"

_TURN = f"SELECT {COLUMNS} FROM turns WHERE id = ?"  # noqa: S608 - constants alone

_MESSAGES = "SELECT turn_id, position, message_id FROM turn_messages WHERE turn_id = ? ORDER BY position"

NEWEST: Final = 2**63 - 1
"""Greater than every turn's id: pass it to start with the newest turn."""


@dataclass(frozen=True, slots=True)
class TurnFilter:
    """The turns of a channel that a member may see."""

    member_id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class TurnPage:
    """Some turns, the newest first. `newer` counts those before this page, `total` all of them."""

    turns: Sequence[Turn]
    newer: int
    total: int


class TurnReader:
    """Reads stored turns. Every method may raise StoreUnavailable.

    `deferred_writes` resolves the placeholder ids of turns whose write was deferred.
    """

    def __init__(self, database: Database, deferred_writes: DeferredWrites | None = None) -> None:
        self._database = database
        self._deferred_writes = deferred_writes

    async def get(self, turn_id: int) -> Turn | None:
        """Return one turn, or None if it is no longer kept; without asking who may see it."""
        row_id = turn_id if self._deferred_writes is None else await self._deferred_writes.resolve_id(turn_id)

        async def work(transaction: Transaction) -> list[Turn]:
            return await _load_turns(transaction, [row_id])

        return next(iter(await self._database.read(work)), None)

    async def get_page_before(self, turn_filter: TurnFilter, turn_id: int, limit: int) -> TurnPage:
        """Return the `limit` newest turns before one, which may have been deleted; see `NEWEST`."""

        async def work(transaction: Transaction) -> TurnPage:
            return await _load_page(transaction, turn_filter, turn_id, limit)

        return await self._database.read(work)

    async def list_before(self, turn_filter: TurnFilter, turn_id: int, limit: int) -> list[Turn]:
        """Return the turns of `get_page_before`, without counting."""

        async def work(transaction: Transaction) -> list[Turn]:
            return await _load_turns(transaction, await _ids_before(transaction, turn_filter, turn_id, limit))

        return await self._database.read(work)

    async def count(self, turn_filter: TurnFilter) -> int:
        """Return how many turns there are."""

        async def work(transaction: Transaction) -> int:
            return await _count(transaction, turn_filter, 0)

        return await self._database.read(work)

    async def get_page_after(self, turn_filter: TurnFilter, turn_id: int, limit: int) -> TurnPage:
        """Return the `limit` oldest turns after one, or the newest ones where fewer follow."""

        async def work(transaction: Transaction) -> TurnPage:
            channel_id, member_id = turn_filter.channel_id, turn_filter.member_id
            parameters = (channel_id, turn_id, limit, channel_id, member_id, turn_id, limit, limit)
            following = await transaction.fetch_all(_AFTER, parameters)
            end = following[-1][0] + 1 if len(following) == limit else NEWEST
            return await _load_page(transaction, turn_filter, end, limit)

        return await self._database.read(work)

    async def list_for_member(self, member_id: int, turn_id: int, limit: int) -> list[Turn]:
        """Return a member's own `limit` newest turns before one, wherever they are; see `NEWEST`."""

        async def work(transaction: Transaction) -> list[Turn]:
            ids = await transaction.fetch_all(_OF_AUTHOR, (member_id, turn_id, limit))
            return await _load_turns(transaction, [row[0] for row in ids])

        return await self._database.read(work)


async def _load_page(transaction: Transaction, turn_filter: TurnFilter, turn_id: int, limit: int) -> TurnPage:
    ids = await _ids_before(transaction, turn_filter, turn_id, limit)
    total = await _count(transaction, turn_filter, 0)
    newer = await _count(transaction, turn_filter, ids[0]) if ids else total
    return TurnPage(await _load_turns(transaction, ids), newer, total)


async def _ids_before(transaction: Transaction, turn_filter: TurnFilter, turn_id: int, limit: int) -> list[int]:
    channel_id, member_id = turn_filter.channel_id, turn_filter.member_id
    parameters = (channel_id, turn_id, limit, channel_id, member_id, turn_id, limit, limit)
    return [row[0] for row in await transaction.fetch_all(_BEFORE, parameters)]


async def _count(transaction: Transaction, turn_filter: TurnFilter, after_id: int) -> int:
    public = await transaction.fetch_one(_COUNT_PUBLIC, (turn_filter.channel_id, after_id))
    own = await transaction.fetch_one(_COUNT_OWN, (turn_filter.channel_id, turn_filter.member_id, after_id))
    assert public is not None, "count(*) always gives a row"
    assert own is not None, "count(*) always gives a row"
    total: int = public[0] + own[0]
    return total


async def _load_turns(transaction: Transaction, ids: Sequence[int]) -> list[Turn]:
    rows = await transaction.fetch_each(_TURN, [(each,) for each in ids])
    return [build_turn(row, await transaction.fetch_all(_MESSAGES, (row[0],))) for row in rows if row is not None]
