"""Turns: a question and its answer, saved together, and the lines in which they follow one another.

A channel's public turns form one line in the order they settled. Private turns form a line for each member and
channel, and are in nobody else's. A turn knows the one before it (`parent_id`); a fresh one has none, so that its line
starts there. A closed one is followed by nothing: a fresh turn after it was taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.database import Database, Row, Transaction, Value
from bot.store.gone import Gone
from bot.store.removals import remove_turn
from bot.store.text import storable

_NEWEST_PUBLIC = "SELECT id, closed FROM turns WHERE channel_id = ? AND private = 0 ORDER BY id DESC LIMIT 1"

_NEWEST_PRIVATE = """
    SELECT id, closed FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 ORDER BY id DESC LIMIT 1
"""

_ADD_TURN = """
    INSERT INTO turns (parent_id, channel_id, thread_of, guild_id, author_id, author_name, private, question, answer,
                       finish, model, prompt_tokens, answer_tokens, tokens_estimated, created_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    RETURNING id
"""

_ADD_MESSAGE = "INSERT INTO turn_messages (turn_id, position, message_id) VALUES (?, ?, ?)"

_LINE = """
    WITH RECURSIVE line (id, parent_id, depth) AS (
        SELECT turns.id, turns.parent_id, 1 FROM turns WHERE turns.id = ?
        UNION ALL
        SELECT turns.id, turns.parent_id, line.depth + 1 FROM line JOIN turns ON turns.id = line.parent_id
        WHERE line.depth < ?
    )
    SELECT turns.id, turns.parent_id, channel_id, guild_id, author_id, author_name, private, question, answer, finish,
           model, prompt_tokens, answer_tokens, tokens_estimated, created_at_ms
    FROM line JOIN turns ON turns.id = line.id ORDER BY line.depth DESC
"""

_LINE_MESSAGES = """
    WITH RECURSIVE line (id, parent_id, depth) AS (
        SELECT turns.id, turns.parent_id, 1 FROM turns WHERE turns.id = ?
        UNION ALL
        SELECT turns.id, turns.parent_id, line.depth + 1 FROM line JOIN turns ON turns.id = line.parent_id
        WHERE line.depth < ?
    )
    SELECT turn_id, position, message_id FROM line JOIN turn_messages ON turn_id = line.id ORDER BY turn_id, position
"""

_STILL_THERE = "SELECT 1 FROM turns WHERE id = ?"

_NOTE_MESSAGE = _ADD_MESSAGE + " ON CONFLICT (turn_id, position) DO UPDATE SET message_id = excluded.message_id"

_QUESTION_POSITION = 0
_FIRST_ANSWER = _QUESTION_POSITION + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A turn that has just settled.

    `thread_of` is the channel under which the thread hangs, where it is a thread; `fresh` starts a new line; `finish`
    says how the answer ended ("complete", "cut", …).
    """

    channel_id: int
    thread_of: int | None
    guild_id: int | None
    author_id: int
    author_name: str
    private: bool
    fresh: bool
    question: str
    answer: str
    finish: str
    model: str
    prompt_tokens: int
    answer_tokens: int
    tokens_estimated: bool
    question_message_id: int | None
    answer_message_ids: tuple[int, ...]
    asked_at_ms: int
    created_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A kept turn. `parent_id` is the turn before it in its line, or None where the line starts."""

    id: int
    parent_id: int | None
    channel_id: int
    guild_id: int | None
    author_id: int
    author_name: str
    private: bool
    question: str
    answer: str
    finish: str
    model: str
    prompt_tokens: int
    answer_tokens: int
    tokens_estimated: bool
    question_message_id: int | None
    answer_message_ids: tuple[int, ...]
    created_at_ms: int

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The messages it was shown in, in reading order."""
        question = () if self.question_message_id is None else (self.question_message_id,)
        return question + self.answer_message_ids


class Conversations:
    """The kept turns of all channels. `gone` is shared with the `Removals` of this process."""

    def __init__(self, database: Database, gone: Gone | None = None) -> None:
        self._database = database
        self._gone = gone or Gone()

    async def save(self, turn: NewTurn) -> int | None:
        """Keep `turn` at the end of its line, whole or not at all, and return its id.

        Returns None, having kept nothing, where one of its messages or its channel has been deleted meanwhile, or its
        author's data.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        places = (turn.channel_id, turn.thread_of, turn.question_message_id, *turn.answer_message_ids)

        async def work(transaction: Transaction) -> int | None:
            if self._gone.any_of(places) or self._gone.forgotten(turn.author_id, turn.asked_at_ms):
                return None
            # Looked up in the same transaction: of two answers that settle at once the second follows the first.
            parent = (
                None
                if turn.fresh
                else await _newest(transaction, turn.channel_id, turn.author_id if turn.private else None)
            )
            row = await transaction.fetch_one(_ADD_TURN, _columns(turn, parent))
            assert row is not None, "RETURNING gives the row that was added"
            turn_id: int = row[0]
            messages = list(enumerate(turn.answer_message_ids, start=_FIRST_ANSWER))
            if turn.question_message_id is not None:
                messages.append((_QUESTION_POSITION, turn.question_message_id))
            if messages:
                await transaction.execute_many(
                    _ADD_MESSAGE, [(turn_id, position, message) for position, message in messages]
                )
            return turn_id

        return await self._database.write(work)

    async def note_messages(self, turn_id: int, answer_message_ids: tuple[int, ...]) -> None:
        """Keep which messages the answer of a kept turn came to, all of them, in their order.

        Where one of them has been deleted meanwhile, the turn goes.

        Raises:
            StoreUnavailable: they could not be kept.
        """
        rows = [(turn_id, position, message) for position, message in enumerate(answer_message_ids, _FIRST_ANSWER)]

        async def work(transaction: Transaction) -> None:
            if self._gone.any_of(answer_message_ids):
                await remove_turn(transaction, turn_id)
            elif await transaction.fetch_one(_STILL_THERE, (turn_id,)):
                await transaction.execute_many(_NOTE_MESSAGE, rows)

        await self._database.write(work)

    async def public_line(self, channel_id: int, limit: int) -> list[Turn]:
        """Give the channel's newest public turns, at most `limit`, oldest first, back to the last fresh one.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        return await self._line(channel_id, None, limit)

    async def private_line(self, channel_id: int, author_id: int, limit: int) -> list[Turn]:
        """Give the member's own newest private turns in the channel, at most `limit`, oldest first.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        return await self._line(channel_id, author_id, limit)

    async def remaining(self, turns: Sequence[Turn]) -> list[Turn]:
        """Give those of `turns` that have not been deleted since they were read, in the same order.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        ids = [(turn.id,) for turn in turns]
        rows = await self._database.read(lambda transaction: transaction.fetch_each(_STILL_THERE, ids))
        return [
            turn
            for turn, row in zip(turns, rows, strict=True)
            if row is not None and not self._gone.any_of(turn.message_ids)
        ]

    async def _line(self, channel_id: int, private_author_id: int | None, limit: int) -> list[Turn]:
        async def work(transaction: Transaction) -> list[Turn]:
            newest = await _newest(transaction, channel_id, private_author_id)
            if newest is None or limit < 1:
                return []
            rows = await transaction.fetch_all(_LINE, (newest, limit))
            messages = await transaction.fetch_all(_LINE_MESSAGES, (newest, limit))
            line = [turn_from(row, messages) for row in rows]
            # Where the store could not be written when a message was deleted, its turn is still there.
            return [turn for turn in line if not self._gone.any_of(turn.message_ids)]

        return await self._database.read(work)


async def _newest(transaction: Transaction, channel_id: int, private_author_id: int | None) -> int | None:
    """Find the turn that the next one of the channel's public line, or of an author's private one, would follow."""
    if private_author_id is None:
        row = await transaction.fetch_one(_NEWEST_PUBLIC, (channel_id,))
    else:
        row = await transaction.fetch_one(_NEWEST_PRIVATE, (channel_id, private_author_id))
    return None if row is None or row[1] else row[0]


def _columns(turn: NewTurn, parent_id: int | None) -> tuple[Value, ...]:
    """Lay `turn` out in the order of `_ADD_TURN`."""
    return (
        parent_id,
        turn.channel_id,
        turn.thread_of,
        turn.guild_id,
        turn.author_id,
        storable(turn.author_name),
        int(turn.private),
        storable(turn.question),
        storable(turn.answer),
        turn.finish,
        storable(turn.model),
        turn.prompt_tokens,
        turn.answer_tokens,
        int(turn.tokens_estimated),
        turn.created_at_ms,
    )


def turn_from(row: Row, messages: list[Row]) -> Turn:
    """Read a row of `_LINE` and its part of the rows of `_LINE_MESSAGES`."""
    shown = {position: message for turn_id, position, message in messages if turn_id == row[0]}
    return Turn(
        id=row[0],
        parent_id=row[1],
        channel_id=row[2],
        guild_id=row[3],
        author_id=row[4],
        author_name=row[5],
        private=bool(row[6]),
        question=row[7],
        answer=row[8],
        finish=row[9],
        model=row[10],
        prompt_tokens=row[11],
        answer_tokens=row[12],
        tokens_estimated=bool(row[13]),
        created_at_ms=row[14],
        question_message_id=shown.pop(_QUESTION_POSITION, None),
        answer_message_ids=tuple(shown.values()),
    )
