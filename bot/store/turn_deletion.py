"""Deletes turns: those whose messages were deleted, a channel's, a member's, and those that are too old.

Image generations are deleted with the turns of a message or channel and by age; a member's by `PersonalData`. When one
turn is deleted, its children become those of the turn before it, so that no history is cut. Where a whole history or
its oldest part is deleted, nothing has to be relinked.
"""

from collections.abc import Collection, Iterable
from typing import Final

from bot.store.database import Database, Transaction, Value
from bot.store.deferred_writes import DeferredWrites
from bot.store.tombstones import Tombstones

_OF_MESSAGE = "SELECT turn_id FROM turn_messages WHERE message_id = ?"

_OF_AUTHOR = "SELECT id FROM turns WHERE author_id = ? ORDER BY id LIMIT ?"

_TURN = "SELECT parent_id, is_branch, ends_context, channel_id, author_id, private FROM turns WHERE id = ?"

_RELINK_CHILDREN = "UPDATE turns SET parent_id = ? WHERE parent_id = ?"

_RELINK_NEXT = "UPDATE turns SET parent_id = ? WHERE parent_id = ? AND is_branch = 0"

_BEFORE_PUBLIC = "SELECT id FROM turns WHERE channel_id = ? AND private = 0 AND id < ? ORDER BY id DESC LIMIT 1"

_BEFORE_PRIVATE = """
    SELECT id FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 AND id < ? ORDER BY id DESC LIMIT 1
"""

_REMOVE = "DELETE FROM turns WHERE id = ?"

_CLOSE = "UPDATE turns SET ends_context = 1 WHERE id = ?"

_PUBLIC = """
    DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE channel_id = ? AND private = 0 ORDER BY id LIMIT ?)
"""

_PRIVATE = "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE channel_id = ? AND private = 1 LIMIT ?)"

_OWN_PRIVATE = """
    DELETE FROM turns WHERE id IN (
        SELECT id FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 ORDER BY id LIMIT ?
    )
"""

_IN_THREADS = "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE parent_channel_id = ? ORDER BY id LIMIT ?)"

_OLD = "DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE created_at_ms < ? ORDER BY created_at_ms LIMIT ?)"

_IMAGES_OF_MESSAGE = "DELETE FROM image_generations WHERE message_id = ?"

_IMAGES = "DELETE FROM image_generations WHERE id IN (SELECT id FROM image_generations WHERE channel_id = ? LIMIT ?)"

_IMAGES_IN_THREADS = """
    DELETE FROM image_generations WHERE id IN (SELECT id FROM image_generations WHERE parent_channel_id = ? LIMIT ?)
"""

_OLD_IMAGES = """
    DELETE FROM image_generations WHERE id IN (
        SELECT id FROM image_generations WHERE created_at_ms < ? ORDER BY created_at_ms LIMIT ?
    )
"""

_SETTINGS = "DELETE FROM settings WHERE scope = 'channel' AND subject_id = ?"

_OLD_AUDIT_LOG = """
    DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE changed_at_ms < ? ORDER BY changed_at_ms LIMIT ?)
"""

_PURGE_ERASURE_MARKERS = """
    DELETE FROM erased_members WHERE member_hash IN (
        SELECT member_hash FROM erased_members WHERE erased_at_ms < ? ORDER BY erased_at_ms LIMIT ?
    )
"""

BATCH: Final = 100
"""Rows deleted in one transaction, so that other writers wait for milliseconds only."""


class TurnDeletion:
    """Deletes turns. Every method returns how many, and may raise StoreUnavailable after it has deleted some.

    `tombstones` and `deferred_writes` are shared with the `Conversations` of this process.
    """

    def __init__(
        self, database: Database, tombstones: Tombstones, deferred_writes: DeferredWrites | None = None
    ) -> None:
        self._database = database
        self._tombstones = tombstones
        self._deferred_writes = deferred_writes

    def add_tombstones(self, ids: Iterable[int]) -> None:
        """Have nothing of these messages, threads or channels stored from now on, or sent along with a question."""
        self._tombstones.add(ids)

    async def delete_by_messages(self, message_ids: Collection[int]) -> int:
        """Delete every turn shown in one of these messages, also one that is being stored at this moment."""
        self.add_tombstones(message_ids)

        async def work(transaction: Transaction) -> int:
            await transaction.execute_many(_IMAGES_OF_MESSAGE, [(each,) for each in message_ids])
            found = [row for each in message_ids for row in await transaction.fetch_all(_OF_MESSAGE, (each,))]
            return sum([await remove_turn(transaction, turn_id) for (turn_id,) in found])

        # Looked up in a write transaction: a turn that is being stored is stored before it, or sees the tombstone.
        return await self._database.write(work)

    async def delete_turn(self, turn_id: int, message_ids: Collection[int]) -> int:
        """Delete one turn, whose messages are about to be deleted."""
        self.add_tombstones(message_ids)
        return await self._database.write(lambda transaction: remove_turn(transaction, turn_id))

    async def delete_channel(self, channel_id: int) -> int:
        """Delete all turns of a channel or thread that was deleted, private ones too, and of a channel's threads.

        Its settings go as well: channels can be made and deleted without end.
        """
        self.add_tombstones([channel_id])
        await self._database.write(lambda transaction: transaction.execute(_SETTINGS, (channel_id,)))
        for sql in (_IMAGES, _IMAGES_IN_THREADS):
            await self._all(sql, channel_id)
        return (
            await self._all(_PUBLIC, channel_id)
            + await self._all(_PRIVATE, channel_id)
            + await self._all(_IN_THREADS, channel_id)
        )

    async def delete_visible_to(self, member_id: int, channel_id: int) -> int:
        """Delete a channel's public turns and the member's own private ones there."""
        if self._deferred_writes is not None:
            await self._deferred_writes.flush()  # pending turns have to be deleted too
        return await self._all(_PUBLIC, channel_id) + await self._all(_OWN_PRIVATE, channel_id, member_id)

    async def delete_member(self, member_id: int, *, at_ms: int) -> int:
        """Delete every turn of a member, and have no process store one later that was asked before `at_ms`."""
        await self._database.write(lambda transaction: self._tombstones.record_erasure(transaction, member_id, at_ms))

        async def work(transaction: Transaction) -> int:
            found = await transaction.fetch_all(_OF_AUTHOR, (member_id, BATCH))
            return sum([await remove_turn(transaction, turn_id) for (turn_id,) in found])

        total = 0
        while removed := await self._database.write(work):
            total += removed
        return total

    async def delete_older_than(self, at_ms: int) -> int:
        """Delete the turns and image generations stored before `at_ms`."""
        await self._all(_OLD_IMAGES, at_ms)
        return await self._all(_OLD, at_ms)

    async def purge_erasure_markers(self, at_ms: int) -> None:
        """Delete the erasure markers of members who had their data deleted before `at_ms`."""
        await self._all(_PURGE_ERASURE_MARKERS, at_ms)

    async def delete_audit_log_before(self, at_ms: int) -> None:
        """Delete the audit-log entries from before `at_ms`."""
        await self._all(_OLD_AUDIT_LOG, at_ms)

    async def _all(self, sql: str, *parameters: Value) -> int:
        """Run a deletion of `BATCH` rows at most, its last parameter, until nothing is left to delete."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(sql, (*parameters, BATCH))

        total = 0
        while removed := await self._database.write(work):
            total += removed
        return total


async def remove_turn(transaction: Transaction, turn_id: int) -> int:
    """Delete one turn and relink its children; return 0 if it was deleted before, else 1."""
    turn = await transaction.fetch_one(_TURN, (turn_id,))
    if turn is None:
        return 0
    parent_id, branch, closed, channel_id, author_id, private = turn
    if private:
        before = await transaction.fetch_one(_BEFORE_PRIVATE, (channel_id, author_id, turn_id))
    else:
        before = await transaction.fetch_one(_BEFORE_PUBLIC, (channel_id, turn_id))
    if branch:
        # What followed it in the history was no reply to it: it follows the turn before it in the history.
        await transaction.execute(_RELINK_NEXT, (None if before is None else before[0], turn_id))
    await transaction.execute(_RELINK_CHILDREN, (parent_id, turn_id))
    await transaction.execute(_REMOVE, (turn_id,))
    if before is not None and (closed or (parent_id is None and not branch)):
        # The history started afresh here, or would have with the next turn: the turns before it stay out of it.
        await transaction.execute(_CLOSE, before)
    return 1
