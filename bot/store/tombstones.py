"""What was deleted a moment ago: an answer that is still being written must not be stored afterwards."""

import secrets
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

from cachetools import FIFOCache

from bot.store.database import Transaction

MAX_TOMBSTONES: Final = 10_000
"""Ids in memory; the oldest are dropped. An answer takes minutes at most."""

_RECORD = """
    INSERT INTO erased_members (member_hash, erased_at_ms) VALUES (?, ?)
    ON CONFLICT (member_hash) DO UPDATE SET erased_at_ms = excluded.erased_at_ms
"""

_IS_ERASED = "SELECT 1 FROM erased_members WHERE member_hash = ? AND erased_at_ms >= ?"

MemberHash = Callable[[int], int]
"""Returns a keyed hash of a member's id."""


class Tombstones:
    """The messages, threads and channels deleted last, and the members whose data was.

    What is deleted in Discord is in this process's memory: every process that can be writing an answer there gets
    the event. A member's request reaches one process alone, so it is in the store, for all of them.

    Args:
        member_hash: the same in every process on a database. Without one the members are this process's alone.
    """

    def __init__(self, member_hash: MemberHash | None = None) -> None:
        self._ids: FIFOCache[int, None] = FIFOCache(MAX_TOMBSTONES)
        self._member_hash = member_hash or _build_random_hash()

    def add(self, ids: Iterable[int]) -> None:
        """Record that the messages, threads or channels with these ids were deleted."""
        for each in ids:
            self._ids[each] = None

    def contains_any(self, ids: Iterable[int | None]) -> bool:
        """Return whether one of these messages, threads or channels was deleted."""
        return any(each in self._ids for each in ids)

    async def record_erasure(self, transaction: Transaction, member_id: int, at_ms: int) -> None:
        """Record that all that this member asked up to `at_ms` was erased."""
        await transaction.execute(_RECORD, (self._member_hash(member_id), at_ms))

    async def was_deleted(
        self, transaction: Transaction, ids: Iterable[int | None], member_id: int, asked_at_ms: int
    ) -> bool:
        """Return whether what a member asked at that time must not be stored.

        One of its messages, threads or channels (`ids`) was deleted, or the member's data was erased since.
        """
        if self.contains_any(ids):
            return True
        return await transaction.fetch_one(_IS_ERASED, (self._member_hash(member_id), asked_at_ms)) is not None


def _build_random_hash() -> MemberHash:
    key = secrets.token_bytes(16)
    return lambda member_id: int.from_bytes(blake2b(str(member_id).encode(), key=key, digest_size=8).digest()) >> 1
