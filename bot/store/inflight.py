"""The answers in flight of all processes, and the processes' leases, so that a dead one's answers can be found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.store.database import Database, Row, Transaction, Work

_LEASE = """
    INSERT INTO processes (name, lease_until_ms) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET lease_until_ms = excluded.lease_until_ms
"""

_DELETE_PROCESS = "DELETE FROM processes WHERE name = ?"

# Every name comes after the empty one: the table is read by its key.
_PROCESSES = "SELECT name, lease_until_ms FROM processes WHERE name > ''"

_ORPHANED = """
    SELECT DISTINCT process FROM inflight_answers
    WHERE process > '' AND NOT EXISTS (SELECT 1 FROM processes WHERE processes.name = inflight_answers.process)
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
    """The table of answers in flight. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def build_insert(self, answer: InFlightAnswer, process: str) -> Work[None]:
        """Return the work that inserts a new answer, to be done in another transaction."""

        async def work(transaction: Transaction) -> None:
            identity = (answer.id, process, answer.application_id, answer.token, answer.channel_id)
            await transaction.execute(_OPEN, (*identity, answer.started_at_ms, answer.member_id))

        return work

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

    async def renew_lease(self, process: str, until_ms: int) -> None:
        """Renew the lease of `process` until `until_ms`."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_LEASE, (process, until_ms))

        await self._database.write(work)

    async def delete_process(self, process: str) -> None:
        """Delete the lease of a process that has ended. Any process may take over what it left in flight."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_DELETE_PROCESS, (process,))

        await self._database.write(work)

    async def list_leases(self) -> dict[str, int]:
        """Return by process when its lease ends (in ms); 0 for one that has ended but left answers in flight."""

        async def work(transaction: Transaction) -> dict[str, int]:
            orphaned = {row[0]: 0 for row in await transaction.fetch_all(_ORPHANED)}
            return orphaned | {row[0]: row[1] for row in await transaction.fetch_all(_PROCESSES)}

        return await self._database.read(work)

    async def take_over(self, dead: str, process: str) -> list[InFlightAnswer]:
        """Make the answers of a dead process those of `process`, and delete the dead one's lease.

        Of several processes that try, one gets them.
        """

        async def work(transaction: Transaction) -> list[InFlightAnswer]:
            rows = await transaction.fetch_all(_TAKE_OVER, (process, dead))
            await transaction.execute(_DELETE_PROCESS, (dead,))
            return [_answer(row) for row in rows]

        return await self._database.write(work)


def _answer(row: Row) -> InFlightAnswer:
    answer_id, application_id, token, channel_id, started_at_ms, message_ids, phase, final_message_count = row
    ids = tuple(map(int, message_ids.split()))
    return InFlightAnswer(
        answer_id, application_id, token, channel_id, started_at_ms, ids, Phase(phase), final_message_count
    )
