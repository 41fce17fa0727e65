"""The answers under way in every process, and the processes' leases, so that what a dead one left can be found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.store.database import Database, Row, Transaction, Work

_LEASE = """
    INSERT INTO processes (name, lease_until_ms) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET lease_until_ms = excluded.lease_until_ms
"""

_LEAVE = "DELETE FROM processes WHERE name = ?"

# Every name comes after the empty one: the table is read by its key.
_PROCESSES = "SELECT name, lease_until_ms FROM processes WHERE name > ''"

_STRAYS = """
    SELECT DISTINCT process FROM inflight_answers
    WHERE process > '' AND NOT EXISTS (SELECT 1 FROM processes WHERE processes.name = inflight_answers.process)
"""

_OPEN = """
    INSERT INTO inflight_answers
        (id, process, application_id, token, channel_id, message_ids, phase, started_at_ms, member_id)
    VALUES (?, ?, ?, ?, ?, '', 'thinking', ?, ?)
"""

_NOTE = "UPDATE inflight_answers SET message_ids = ?, phase = ?, final_message_count = ? WHERE id = ?"

_WHOSE = "SELECT member_id FROM inflight_answers WHERE id = ? AND channel_id = ?"

_ASK_TO_STOP = "UPDATE inflight_answers SET cancel_requested = 1 WHERE id = ? AND channel_id = ?"

_TO_STOP = "SELECT id FROM inflight_answers WHERE process = ? AND cancel_requested = 1"

_CLOSE = "DELETE FROM inflight_answers WHERE id = ?"

_ADOPT = """
    UPDATE inflight_answers SET process = ? WHERE process = ?
    RETURNING id, application_id, token, channel_id, started_at_ms, message_ids, phase, final_message_count
"""


class Phase(StrEnum):
    """What an answer's messages show so far."""

    THINKING = "thinking"
    """Nothing, or all of it at once."""

    WAITING = "line"
    """A place in line, in place of "thinking…"."""

    TEXT = "words"
    """Words that are being written: unfinished even where nothing in them says so."""


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
    """The table of answers under way. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def build_insert(self, answer: InFlightAnswer, process: str) -> Work[None]:
        """Return the work that writes a new answer down, to be done in somebody else's transaction."""

        async def work(transaction: Transaction) -> None:
            place = (answer.id, process, answer.application_id, answer.token, answer.channel_id)
            await transaction.execute(_OPEN, (*place, answer.started_at_ms, answer.member_id))

        return work

    async def record_messages(
        self, answer_id: int, message_ids: Sequence[int], *, shows: Phase, messages: int | None
    ) -> None:
        """Write down what is known of an answer's messages by now."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_NOTE, (" ".join(map(str, message_ids)), shows, messages, answer_id))

        await self._database.write(work)

    async def find_in_channel(self, answer_id: int, channel_id: int) -> tuple[bool, int | None]:
        """Return whether an answer is under way in a channel, and whose it is where that is known."""

        async def work(transaction: Transaction) -> tuple[bool, int | None]:
            row = await transaction.fetch_one(_WHOSE, (answer_id, channel_id))
            return row is not None, None if row is None else row[0]

        return await self._database.read(work)

    async def request_cancel(self, answer_id: int, *, channel_id: int) -> bool:
        """Leave word for whoever is at work on an answer in a channel that it is to be stopped; False if nobody is."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(_ASK_TO_STOP, (answer_id, channel_id))

        return await self._database.write(work) > 0

    async def list_cancel_requested(self, process: str) -> list[int]:
        """Name the answers of `process` that are to be stopped."""

        async def work(transaction: Transaction) -> list[int]:
            return [row[0] for row in await transaction.fetch_all(_TO_STOP, (process,))]

        return await self._database.read(work)

    async def delete(self, answer_ids: Sequence[int]) -> None:
        """Forget answers that have ended, and their tokens."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute_many(_CLOSE, [(answer_id,) for answer_id in answer_ids])

        await self._database.write(work)

    async def renew_lease(self, process: str, until_ms: int) -> None:
        """Say that `process` lives, at least until then."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_LEASE, (process, until_ms))

        await self._database.write(work)

    async def delete_process(self, process: str) -> None:
        """Say that `process` has ended. What it left under way is anybody's."""

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_LEAVE, (process,))

        await self._database.write(work)

    async def list_leases(self) -> dict[str, int]:
        """Tell until when each process's lease runs; 0 for one that has ended but left answers under way."""

        async def work(transaction: Transaction) -> dict[str, int]:
            strays = {row[0]: 0 for row in await transaction.fetch_all(_STRAYS)}
            return strays | {row[0]: row[1] for row in await transaction.fetch_all(_PROCESSES)}

        return await self._database.read(work)

    async def take_over(self, dead: str, process: str) -> list[InFlightAnswer]:
        """Make the answers of a dead process those of `process`, and strike the dead one off.

        Of several that would adopt, one gets them.
        """

        async def work(transaction: Transaction) -> list[InFlightAnswer]:
            rows = await transaction.fetch_all(_ADOPT, (process, dead))
            await transaction.execute(_LEAVE, (dead,))
            return [_answer(row) for row in rows]

        return await self._database.write(work)


def _answer(row: Row) -> InFlightAnswer:
    answer_id, application_id, token, channel_id, started_at_ms, message_ids, shows, messages = row
    ids = tuple(map(int, message_ids.split()))
    return InFlightAnswer(answer_id, application_id, token, channel_id, started_at_ms, ids, Phase(shows), messages)
