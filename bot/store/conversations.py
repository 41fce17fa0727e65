"""Stores turns and reads the history that is sent along with a question.

A channel's public turns form one history, in the order in which they ended, back to the last turn that started afresh.
Private turns form a history for each member and channel, seen by that member alone.

A reply gets the ancestors of the turn that it replies to: back from reply to reply to a turn that was no reply, then
the history before that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.database import Database, Row, Transaction, Value
from bot.store.deferred_writes import DeferredWrites
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import remove_turn
from bot.store.turns import COLUMNS, FIRST_ANSWER, QUESTION_POSITION, NewTurn, Turn, build_row, build_turn

_ADD_TURN = """
    INSERT INTO turns (parent_id, is_branch, replaces_id, channel_id, parent_channel_id, guild_id, author_id,
                       author_name, private, question, files, about_message_id, answer, finish_reason, model,
                       prompt_tokens, answer_tokens, tokens_estimated, created_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    RETURNING id
"""

_ADD_MESSAGE = "INSERT INTO turn_messages (turn_id, position, message_id) VALUES (?, ?, ?)"

_EXISTS = "SELECT 1 FROM turns WHERE id = ?"

_OF_MESSAGE = """
    SELECT turns.id FROM turn_messages JOIN turns ON turns.id = turn_messages.turn_id
    WHERE message_id = ? AND channel_id = ? AND private = 0 ORDER BY turns.id DESC LIMIT 1
"""

_UPSERT_MESSAGE = _ADD_MESSAGE + " ON CONFLICT (turn_id, position) DO UPDATE SET message_id = excluded.message_id"


_NEWEST_PUBLIC = "SELECT id, ends_context FROM turns WHERE channel_id = ? AND private = 0 ORDER BY id DESC LIMIT 1"

_NEWEST_PRIVATE = """
    SELECT id, ends_context FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 ORDER BY id DESC LIMIT 1
"""

# A regenerated turn is left out of the history, unless the history starts at it.
_REPLACED = "EXISTS (SELECT 1 FROM turns newer WHERE newer.replaces_id = turns.id)"
_BEFORE = f"id < ? AND (ends_context = 1 OR parent_id IS NULL OR NOT {_REPLACED}) ORDER BY id DESC LIMIT ?"
_PUBLIC = f"FROM turns WHERE channel_id = ? AND private = 0 AND {_BEFORE}"
_PRIVATE = f"FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 AND {_BEFORE}"

_PUBLIC_HISTORY = f"SELECT {COLUMNS}, ends_context, {_REPLACED} {_PUBLIC}"
_PRIVATE_HISTORY = f"SELECT {COLUMNS}, ends_context, {_REPLACED} {_PRIVATE}"

_SHOWN_IN = "turn_id, position, message_id FROM turn_messages"
_PUBLIC_MESSAGES = f"SELECT {_SHOWN_IN} WHERE turn_id IN (SELECT id {_PUBLIC}) ORDER BY turn_id, position"
_PRIVATE_MESSAGES = f"SELECT {_SHOWN_IN} WHERE turn_id IN (SELECT id {_PRIVATE}) ORDER BY turn_id, position"

_WALK = """
    RECURSIVE path (id, parent_id, is_branch, depth) AS (
        SELECT turns.id, turns.parent_id, turns.is_branch, 1 FROM turns WHERE turns.id = ?
        UNION ALL
        SELECT turns.id, turns.parent_id, turns.is_branch, path.depth + 1
        FROM path JOIN turns ON turns.id = path.parent_id
        WHERE path.is_branch = 1 AND path.depth < ?
    )
"""
_PATH = f"""
    WITH {_WALK} SELECT {COLUMNS} FROM path JOIN turns ON turns.id = path.id ORDER BY depth
"""  # noqa: S608 - constants alone
_PATH_MESSAGES = f"WITH {_WALK} SELECT {_SHOWN_IN} JOIN path ON turn_id = path.id ORDER BY turn_id, position"

_BEYOND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class HistoryScope:
    """Which history of a channel: the public one, or one member's private one."""

    channel_id: int
    member_id: int | None = None

    @property
    def key(self) -> tuple[Value, ...]:
        """The first parameters of every statement about this history."""
        return (self.channel_id,) if self.member_id is None else (self.channel_id, self.member_id)


class Conversations:
    """The stored turns of all channels.

    `tombstones` and `deferred_writes` are shared with this process's `TurnDeletion`.
    """

    def __init__(
        self, database: Database, tombstones: Tombstones | None = None, deferred_writes: DeferredWrites | None = None
    ) -> None:
        self._database = database
        self._tombstones = tombstones or Tombstones()
        self._deferred_writes = deferred_writes

    async def save(self, turn: NewTurn) -> int | None:
        """Store `turn` at its place in the tree, whole or not at all, and return its id.

        With `deferred_writes` a write that fails now is retried later, and the id is a placeholder until then.

        Returns None, having kept nothing, where one of its messages or its channel has been deleted meanwhile, or its
        author's data.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        if self._deferred_writes is None:
            return await self._save(turn)
        return await self._deferred_writes.write(lambda: self._save(turn))

    async def _save(self, turn: NewTurn) -> int | None:
        ids = (turn.channel_id, turn.parent_channel_id, turn.question_message_id, *turn.answer_message_ids)

        async def work(transaction: Transaction) -> int | None:
            if await self._tombstones.was_deleted(transaction, ids, turn.author_id, turn.asked_at_ms):
                return None
            # Looked up in the same transaction: of two answers that end at once the second follows the first.
            parent, replaced = await _find_parent(transaction, turn), await _id_if_exists(transaction, turn.replaces_id)
            row = await transaction.fetch_one(_ADD_TURN, build_row(turn, parent, replaced))
            assert row is not None, "RETURNING gives the row that was added"
            turn_id: int = row[0]
            messages = list(enumerate(turn.answer_message_ids, start=FIRST_ANSWER))
            if turn.question_message_id is not None:
                messages.append((QUESTION_POSITION, turn.question_message_id))
            if messages:
                await transaction.execute_many(
                    _ADD_MESSAGE, [(turn_id, position, message) for position, message in messages]
                )
            return turn_id

        return await self._database.write(work)

    async def record_messages(self, turn_id: int, answer_message_ids: tuple[int, ...]) -> None:
        """Record the messages of a stored turn's answer, all of them, in their order.

        Where one of them has been deleted meanwhile, the turn goes. With `deferred_writes` it is done as `save` is.

        Raises:
            StoreUnavailable: they could not be kept.
        """
        deferred_writes = self._deferred_writes
        if deferred_writes is None:
            await self._record_messages(turn_id, answer_message_ids)
        else:
            await deferred_writes.write(
                lambda: self._record_messages(deferred_writes.get_id(turn_id), answer_message_ids)
            )

    async def _record_messages(self, turn_id: int, answer_message_ids: tuple[int, ...]) -> None:
        rows = [(turn_id, position, message) for position, message in enumerate(answer_message_ids, FIRST_ANSWER)]

        async def work(transaction: Transaction) -> None:
            if self._tombstones.contains_any(answer_message_ids):
                await remove_turn(transaction, turn_id)
            elif await transaction.fetch_one(_EXISTS, (turn_id,)):
                await transaction.execute_many(_UPSERT_MESSAGE, rows)

        await self._database.write(work)

    async def get_public_history(self, channel_id: int, limit: int) -> list[Turn]:
        """Return the channel's newest public turns, at most `limit`, oldest first, back to the last fresh one.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        return await self._get_history(HistoryScope(channel_id), limit)

    async def get_private_history(self, channel_id: int, author_id: int, limit: int) -> list[Turn]:
        """Return the member's own newest private turns in the channel, at most `limit`, oldest first.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        return await self._get_history(HistoryScope(channel_id, author_id), limit)

    async def find_turn_of_message(self, message_id: int, channel_id: int) -> int | None:
        """Return the id of the public turn that a message of the channel shows, the newest if there are several.

        Raises:
            StoreUnavailable: it cannot be looked up just now.
        """

        async def work(transaction: Transaction) -> int | None:
            row = await transaction.fetch_one(_OF_MESSAGE, (message_id, channel_id))
            return None if row is None else row[0]

        return await self._database.read(work)

    async def get_ancestors(self, turn_id: int, limit: int) -> list[Turn]:
        """Return a turn and its ancestors, at most `limit`, oldest first.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """

        async def work(transaction: Transaction) -> list[Turn]:
            return self._without_deleted(await _load_ancestors(transaction, turn_id, limit))

        return await self._database.read(work)

    async def list_existing(self, turns: Sequence[Turn]) -> list[Turn]:
        """Return those of `turns` that were not deleted since they were read, in the same order.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        ids = [(turn.id,) for turn in turns]
        rows = await self._database.read(lambda transaction: transaction.fetch_each(_EXISTS, ids))
        return self._without_deleted([turn for turn, row in zip(turns, rows, strict=True) if row is not None])

    async def _get_history(self, scope: HistoryScope, limit: int) -> list[Turn]:
        async def work(transaction: Transaction) -> list[Turn]:
            return self._without_deleted(await _load_history(transaction, scope, limit))

        return await self._database.read(work)

    def _without_deleted(self, turns: Sequence[Turn]) -> list[Turn]:
        # If the database could not be written when a message was deleted, its turn is still there.
        return [turn for turn in turns if not self._tombstones.contains_any(turn.message_ids)]


async def _id_if_exists(transaction: Transaction, turn_id: int | None) -> int | None:
    """Return `turn_id`, or None if that turn has been deleted."""
    if turn_id is None or await transaction.fetch_one(_EXISTS, (turn_id,)):
        return turn_id
    return None


async def _find_parent(transaction: Transaction, turn: NewTurn) -> int | None:
    """Return the id of the turn that a new one continues."""
    if turn.fresh:
        return None
    if not turn.is_branch:
        return await _get_last_turn_id(
            transaction, HistoryScope(turn.channel_id, turn.author_id if turn.private else None)
        )
    # The newest ancestor that still exists: the children of a deleted turn become those of its parent.
    for turn_id in reversed(turn.path):
        if await transaction.fetch_one(_EXISTS, (turn_id,)):
            return turn_id
    return None


async def _get_last_turn_id(transaction: Transaction, scope: HistoryScope) -> int | None:
    """Return the id of the turn that the next one of the history follows; None if that one starts afresh."""
    row = await transaction.fetch_one(_NEWEST_PUBLIC if scope.member_id is None else _NEWEST_PRIVATE, scope.key)
    return None if row is None or row[1] else row[0]


async def _load_history(transaction: Transaction, scope: HistoryScope, limit: int) -> list[Turn]:
    """Return the newest turns of a history, at most `limit`, oldest first, back to where it started afresh."""
    if limit < 1 or await _get_last_turn_id(transaction, scope) is None:
        return []
    return await _before(transaction, scope, _BEYOND, limit)


async def _load_ancestors(transaction: Transaction, turn_id: int, limit: int) -> list[Turn]:
    """Return a turn and its ancestors, at most `limit`, oldest first."""
    if limit < 1:
        return []
    rows = await transaction.fetch_all(_PATH, (turn_id, limit))
    messages = await transaction.fetch_all(_PATH_MESSAGES, (turn_id, limit))
    ancestors = [build_turn(row, messages) for row in reversed(rows)]
    if not ancestors or len(ancestors) == limit or ancestors[0].is_branch or ancestors[0].parent_id is None:
        return ancestors
    first = ancestors[0]
    scope = HistoryScope(first.channel_id, first.author_id if first.private else None)
    return [*await _before(transaction, scope, first.id, limit - len(ancestors)), *ancestors]


async def _before(transaction: Transaction, scope: HistoryScope, turn_id: int, limit: int) -> list[Turn]:
    """Return the turns of a history before one, at most `limit`, oldest first."""
    parameters = (*scope.key, turn_id, limit + 1)
    public = scope.member_id is None
    rows = await transaction.fetch_all(_PUBLIC_HISTORY if public else _PRIVATE_HISTORY, parameters)
    messages = await transaction.fetch_all(_PUBLIC_MESSAGES if public else _PRIVATE_MESSAGES, parameters)
    since_start = _since_context_began(rows)[:limit]
    return [build_turn(row, messages) for row in reversed(since_start)]


def _since_context_began(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, newest first, that are not older than the turn at which the history started afresh."""
    kept: list[Row] = []
    for row in rows:
        closed, replaced = row[-2:]
        if closed:
            break
        turn = build_turn(row, [])
        if not replaced:
            kept.append(row)
        if turn.parent_id is None and not turn.is_branch:
            break
    return kept
