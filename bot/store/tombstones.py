"""What went away a moment ago: an answer that is still being written must not be kept afterwards."""

import secrets
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

from bot.store.database import Transaction

MOST_KEPT: Final = 10_000
"""The oldest make room. An answer takes minutes at most, and ids are all that is kept."""

_FORGET = """
    INSERT INTO erased_members (member_hash, erased_at_ms) VALUES (?, ?)
    ON CONFLICT (member_hash) DO UPDATE SET erased_at_ms = excluded.erased_at_ms
"""

_IS_FORGOTTEN = "SELECT 1 FROM erased_members WHERE member_hash = ? AND erased_at_ms >= ?"

Code = Callable[[int], int]
"""Stands for a member without telling who it is."""


class Tombstones:
    """The messages, threads and channels deleted last, and the members whose data was.

    What is deleted in Discord is in this process's memory: every process that can be writing an answer there hears of
    it. A member's wish comes to one process alone, so it is in the store, for all of them.

    Args:
        code: the same in every process on a database. Without one the members are this process's alone.
    """

    def __init__(self, code: Code | None = None) -> None:
        self._things: dict[int, None] = {}
        self._code = code or _code_of_ones_own()

    def add(self, ids: Iterable[int]) -> None:
        """Remember that the messages, threads or channels with these ids are gone."""
        for each in ids:
            self._things[each] = None
        while len(self._things) > MOST_KEPT:
            del self._things[next(iter(self._things))]

    def contains_any(self, ids: Iterable[int | None]) -> bool:
        """Tell whether one of these messages, threads or channels is gone."""
        return any(each in self._things for each in ids)

    async def record_erasure(self, transaction: Transaction, member_id: int, at_ms: int) -> None:
        """Remember that everything of this member that was asked up to then is to be forgotten."""
        await transaction.execute(_FORGET, (self._code(member_id), at_ms))

    async def is_erased(self, transaction: Transaction, member_id: int, asked_at_ms: int) -> bool:
        """Tell whether what the member asked at that time is to be forgotten."""
        return await transaction.fetch_one(_IS_FORGOTTEN, (self._code(member_id), asked_at_ms)) is not None


def _code_of_ones_own() -> Code:
    key = secrets.token_bytes(16)
    return lambda member_id: int.from_bytes(blake2b(str(member_id).encode(), key=key, digest_size=8).digest()) >> 1
