"""What images were generated from, so that their buttons can generate them again."""

from dataclasses import dataclass

from bot.store.database import Database, Row, Transaction
from bot.store.deferred_writes import DeferredWrites
from bot.store.sqlite import sanitize_for_db
from bot.store.tombstones import Tombstones

_ADD = """
    INSERT INTO image_generations (channel_id, parent_channel_id, guild_id, author_id, prompt, size, n, model, spoiler,
                                   message_id, created_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    RETURNING id
"""

_BY_ID = """
    SELECT channel_id, parent_channel_id, guild_id, author_id, prompt, size, n, model, spoiler, message_id,
           created_at_ms
    FROM image_generations WHERE id = ?
"""

_REMOVE = "DELETE FROM image_generations WHERE id = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGeneration:
    """What one message's images were generated from, for whom and where.

    `model` is None where none was asked for. `parent_channel_id` is the channel of a thread, None outside threads.
    """

    channel_id: int
    parent_channel_id: int | None
    guild_id: int | None
    author_id: int
    prompt: str
    size: str | None
    n: int
    model: str | None
    spoiler: bool
    message_id: int | None
    created_at_ms: int


class ImageGenerations:
    """The stored generations. `tombstones` and `deferred_writes` are shared with this process's `TurnDeletion`.

    Every method may raise StoreUnavailable.
    """

    def __init__(
        self, database: Database, tombstones: Tombstones, deferred_writes: DeferredWrites | None = None
    ) -> None:
        self._database = database
        self._tombstones = tombstones
        self._deferred_writes = deferred_writes

    async def add(self, generation: ImageGeneration, *, asked_at_ms: int) -> int | None:
        """Store a generation and return its id, or a placeholder if `deferred_writes` has to retry it.

        Returns None, having kept nothing, where its message or its channel has been deleted meanwhile, or its author's
        data.
        """
        if self._deferred_writes is None:
            return await self._add(generation, asked_at_ms)
        return await self._deferred_writes.write(lambda: self._add(generation, asked_at_ms))

    async def _add(self, generation: ImageGeneration, asked_at_ms: int) -> int | None:
        ids = (generation.channel_id, generation.parent_channel_id, generation.message_id)

        async def work(transaction: Transaction) -> int | None:
            if await self._tombstones.was_deleted(transaction, ids, generation.author_id, asked_at_ms):
                return None
            row = await transaction.fetch_one(
                _ADD,
                (
                    generation.channel_id,
                    generation.parent_channel_id,
                    generation.guild_id,
                    generation.author_id,
                    sanitize_for_db(generation.prompt),
                    None if generation.size is None else sanitize_for_db(generation.size),
                    generation.n,
                    None if generation.model is None else sanitize_for_db(generation.model),
                    int(generation.spoiler),
                    generation.message_id,
                    generation.created_at_ms,
                ),
            )
            return None if row is None else row[0]

        return await self._database.write(work)

    async def get(self, generation_id: int) -> ImageGeneration | None:
        """Return a generation, or None if it is no longer kept."""
        row_id = await self._id(generation_id)

        async def work(transaction: Transaction) -> Row | None:
            return await transaction.fetch_one(_BY_ID, (row_id,))

        row = await self._database.read(work)
        if row is None or self._tombstones.contains_any((row[0], row[1], row[9])):
            return None
        return ImageGeneration(
            channel_id=row[0],
            parent_channel_id=row[1],
            guild_id=row[2],
            author_id=row[3],
            prompt=row[4],
            size=row[5],
            n=row[6],
            model=row[7],
            spoiler=bool(row[8]),
            message_id=row[9],
            created_at_ms=row[10],
        )

    async def remove(self, generation_id: int) -> None:
        """Delete a generation."""
        row_id = await self._id(generation_id)

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_REMOVE, (row_id,))

        await self._database.write(work)

    async def _id(self, generation_id: int) -> int:
        return generation_id if self._deferred_writes is None else await self._deferred_writes.resolve_id(generation_id)
