"""Claimed events and the answers in flight of all processes, so that each event is answered once, or marked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.store.database import Database, Row, Transaction

MAX_DELETED_AT_ONCE: Final = 1000

_CLAIM = "INSERT INTO processed_events (id, claimed_at_ms) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"

_DELETE_OLD_CLAIMS = """
    DELETE FROM processed_events WHERE id IN (
        SELECT id FROM processed_events WHERE claimed_at_ms <= ? ORDER BY claimed_at_ms LIMIT ?
    )
"""

_OPEN = """
    INSERT INTO inflight_answers
        (id, process, application_id, token, channel_id, message_ids, phase, started_at_ms, member_id)
    VALUES (?, ?, ?, ?, ?, '', 'thinking', ?, ?)
"""

_RECORD_MESSAGES = "UPDATE inflight_answers SET message_ids = ?, phase = ?, final_message_count = ? WHERE id = ?"

_MEMBER_OF = "SELECT member_id FROM inflight_answers WHERE id = ? AND channel_id = ?"

_REQUEST_CANCEL = "UPDATE inflight_answers SET cancel_requested = 1 WHERE id = ? AND channel_id = ?"

_CANCEL_REQUESTED = "SELECT id FROM inflight_answers WHERE process = ? AND cancel_requested = 1"

_CLOSE = "DELETE FROM inflight_answers WHERE id = ?"

_TAKE_OVER = """
    UPDATE inflight_answers SET process = ? WHERE process = ?
    RETURNING id, application_id, token, channel_id, started_at_ms, message_ids, phase, final_message_count
"""


class Phase(StrEnum):
    """What an answer's messages show so far."""

    THINKING = "thinking"
    """Nothing yet; or all of the answer at once."""

    WAITING = "line"
    """The queue notice, in place of "thinking…"."""

    TEXT = "words"
    """Text that is being streamed: unfinished even if nothing in it says so."""


@dataclass(frozen=True, slots=True)
class InFlightAnswer:
    """An answer in flight: how its messages can be reached, and what is known of them.

    `message_ids` are those shown so far, in reading order. `final_message_count` is how many there will be, known once
    the last text is being sent. `member_id` is who asked; None where that is not known.
    """

    id: int
    application_id: int
    token: str = field(repr=False)
    channel_id: int
    started_at_ms: int
    message_ids: tuple[int, ...] = ()
    phase: Phase = Phase.THINKING
    final_message_count: int | None = None
    member_id: int | None = None


class InFlightAnswers:
    """The claimed events and the answers in flight. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, event_id: int, at_ms: int) -> bool:
        """Claim an event; return False if it has been claimed before, by this process or another."""
        return await self._database.write(lambda transaction: _claim(transaction, event_id, at_ms))

    async def insert(self, answer: InFlightAnswer, process: str) -> bool:
        """Claim the event of a new answer and insert the answer; return False if the event has been claimed before."""

        async def work(transaction: Transaction) -> bool:
            if not await _claim(transaction, answer.id, answer.started_at_ms):
                return False
            identity = (answer.id, process, answer.application_id, answer.token, answer.channel_id)
            await transaction.execute(_OPEN, (*identity, answer.started_at_ms, answer.member_id))
            return True

        return await self._database.write(work)

    async def delete_claims_before(self, before_ms: int) -> int:
        """Delete claims made before a time, a batch a call; return how many."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_DELETE_OLD_CLAIMS, (before_ms, MAX_DELETED_AT_ONCE))

        return await self._database.write(work)

    async def record_messages(
        self, answer_id: int, message_ids: Sequence[int], *, phase: Phase, final_message_count: int | None
    ) -> None:
        """Record what is known of an answer's messages by now."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(
                _RECORD_MESSAGES, (" ".join(map(str, message_ids)), phase, final_message_count, answer_id)
            )

        await self._database.write(work)

    async def find_in_channel(self, answer_id: int, channel_id: int) -> tuple[bool, int | None]:
        """Return whether an answer is in flight in a channel, and the id of who asked, if known."""

        async def work(transaction: Transaction) -> tuple[bool, int | None]:
            row = await transaction.fetch_one(_MEMBER_OF, (answer_id, channel_id))
            return row is not None, None if row is None else row[0]

        return await self._database.read(work)

    async def request_cancel(self, answer_id: int, *, channel_id: int) -> bool:
        """Request the cancellation of an answer in a channel; return False if it is not in flight."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_REQUEST_CANCEL, (answer_id, channel_id))

        return await self._database.write(work) > 0

    async def list_cancel_requested(self, process: str) -> list[int]:
        """Return the answers of `process` whose cancellation was requested."""

        async def work(transaction: Transaction) -> list[int]:
            return [row[0] for row in await transaction.fetch_all(_CANCEL_REQUESTED, (process,))]

        return await self._database.read(work)

    async def delete(self, answer_ids: Sequence[int]) -> None:
        """Delete answers that have ended, with their tokens."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_CLOSE, [(answer_id,) for answer_id in answer_ids])

        await self._database.write(work)

    async def take_over(self, dead: str, process: str) -> list[InFlightAnswer]:
        """Make the answers of a dead process those of `process`. Of several processes that try, one gets them."""

        async def work(transaction: Transaction) -> list[InFlightAnswer]:
            return [_answer(row) for row in await transaction.fetch_all(_TAKE_OVER, (process, dead))]

        return await self._database.write(work)


async def _claim(transaction: Transaction, event_id: int, at_ms: int) -> bool:
    return await transaction.execute(_CLAIM, (event_id, at_ms)) > 0


def _answer(row: Row) -> InFlightAnswer:
    answer_id, application_id, token, channel_id, started_at_ms, message_ids, phase, final_message_count = row
    ids = tuple(map(int, message_ids.split()))
    return InFlightAnswer(
        answer_id, application_id, token, channel_id, started_at_ms, ids, Phase(phase), final_message_count
    )
