"""Which turns go along with a question.

A channel's public turns form one line, whoever asked: all of them in the order they settled, back to the last one that
began anew. So of two that ask at once each is known to whoever asks next. Private turns form a line for each member and
channel, and are in nobody else's.

A reply knows the path to the turn that it is to and nothing else: back from reply to reply, to a turn that was asked in
its line, and then all that was said there before that one. What others say meanwhile is in the line, not in the path.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.store.database import Row, Transaction, Value
from bot.store.turns import COLUMNS, Turn, build_turn

_NEWEST_PUBLIC = "SELECT id, ends_context FROM turns WHERE channel_id = ? AND private = 0 ORDER BY id DESC LIMIT 1"

_NEWEST_PRIVATE = """
    SELECT id, ends_context FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 ORDER BY id DESC LIMIT 1
"""

# A turn whose answer was given anew no longer stands in its line, but where the line begins it still does.
_REPLACED = "EXISTS (SELECT 1 FROM turns newer WHERE newer.replaces_id = turns.id)"
_BEFORE = f"id < ? AND (ends_context = 1 OR parent_id IS NULL OR NOT {_REPLACED}) ORDER BY id DESC LIMIT ?"
_PUBLIC = f"FROM turns WHERE channel_id = ? AND private = 0 AND {_BEFORE}"
_PRIVATE = f"FROM turns WHERE channel_id = ? AND author_id = ? AND private = 1 AND {_BEFORE}"

_PUBLIC_LINE = f"SELECT {COLUMNS}, ends_context, {_REPLACED} {_PUBLIC}"
_PRIVATE_LINE = f"SELECT {COLUMNS}, ends_context, {_REPLACED} {_PRIVATE}"

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
_PATH = f"WITH {_WALK} SELECT {COLUMNS} FROM path JOIN turns ON turns.id = path.id ORDER BY depth"  # noqa: S608
_PATH_MESSAGES = f"WITH {_WALK} SELECT {_SHOWN_IN} JOIN path ON turn_id = path.id ORDER BY turn_id, position"

_BEYOND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class HistoryScope:
    """Whose line in which channel: everybody's, or the private one of one member."""

    channel_id: int
    member_id: int | None = None

    @property
    def key(self) -> tuple[Value, ...]:
        """The first parameters of every statement about this line."""
        return (self.channel_id,) if self.member_id is None else (self.channel_id, self.member_id)


async def get_last_turn_id(transaction: Transaction, line: HistoryScope) -> int | None:
    """Find the turn that the next one asked in the line follows; None where that one begins anew."""
    row = await transaction.fetch_one(_NEWEST_PUBLIC if line.member_id is None else _NEWEST_PRIVATE, line.key)
    return None if row is None or row[1] else row[0]


async def line(transaction: Transaction, of: HistoryScope, limit: int) -> list[Turn]:
    """Give the newest turns of a line, at most `limit`, oldest first, back to where it began anew."""
    if limit < 1 or await get_last_turn_id(transaction, of) is None:
        return []
    return await _before(transaction, of, _BEYOND, limit)


async def path(transaction: Transaction, turn_id: int, limit: int) -> list[Turn]:
    """Give what a reply to a turn knows: that one and the path to it, at most `limit`, oldest first."""
    if limit < 1:
        return []
    rows = await transaction.fetch_all(_PATH, (turn_id, limit))
    messages = await transaction.fetch_all(_PATH_MESSAGES, (turn_id, limit))
    walked = [build_turn(row, messages) for row in reversed(rows)]
    if not walked or len(walked) == limit or walked[0].branch or walked[0].parent_id is None:
        return walked
    first = walked[0]
    of = HistoryScope(first.channel_id, first.author_id if first.private else None)
    return [*await _before(transaction, of, first.id, limit - len(walked)), *walked]


async def _before(transaction: Transaction, of: HistoryScope, turn_id: int, limit: int) -> list[Turn]:
    """Give the turns of a line before one, at most `limit`, oldest first."""
    parameters = (*of.key, turn_id, limit + 1)
    public = of.member_id is None
    rows = await transaction.fetch_all(_PUBLIC_LINE if public else _PRIVATE_LINE, parameters)
    messages = await transaction.fetch_all(_PUBLIC_MESSAGES if public else _PRIVATE_MESSAGES, parameters)
    standing = _back_to_the_beginning(rows)[:limit]
    return [build_turn(row, messages) for row in reversed(standing)]


def _back_to_the_beginning(rows: Sequence[Row]) -> list[Row]:
    """Keep those rows, the newest first, that are no older than the turn where the line began anew."""
    kept: list[Row] = []
    for row in rows:
        closed, replaced = row[-2:]
        if closed:
            break
        turn = build_turn(row, [])
        if not replaced:
            kept.append(row)
        if turn.parent_id is None and not turn.branch:
            break
    return kept
