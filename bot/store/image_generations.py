"""What pictures were drawn from, so that they can be drawn again."""

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
    """What one message's pictures were drawn from, for whom and where. `model` is the one that was asked for, if any.

    `parent_channel_id` is the channel under which the thread hangs, where it is a thread.
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
    """The sketches of all channels. `gone` is shared with the `Removals` of this process, `late` with all that keep.

    Every method may raise StoreUnavailable.
    """

    def __init__(self, database: Database, gone: Tombstones, late: DeferredWrites | None = None) -> None:
        self._database = database
        self._gone = gone
        self._late = late

    async def add(self, sketch: ImageGeneration, *, asked_at_ms: int) -> int | None:
        """Keep a sketch and return its id; with `late`, a stand-in for it where it can only be kept later.

        Returns None, having kept nothing, where its message or its channel has been deleted meanwhile, or its author's
        data.
        """
        if self._late is None:
            return await self._add(sketch, asked_at_ms)
        return await self._late.write(lambda: self._add(sketch, asked_at_ms))

    async def _add(self, sketch: ImageGeneration, asked_at_ms: int) -> int | None:
        async def work(transaction: Transaction) -> int | None:
            if self._gone.contains_any((sketch.channel_id, sketch.parent_channel_id, sketch.message_id)):
                return None
            if await self._gone.is_erased(transaction, sketch.author_id, asked_at_ms):
                return None
            row = await transaction.fetch_one(
                _ADD,
                (
                    sketch.channel_id,
                    sketch.parent_channel_id,
                    sketch.guild_id,
                    sketch.author_id,
                    sanitize_for_db(sketch.prompt),
                    None if sketch.size is None else sanitize_for_db(sketch.size),
                    sketch.n,
                    None if sketch.model is None else sanitize_for_db(sketch.model),
                    int(sketch.spoiler),
                    sketch.message_id,
                    sketch.created_at_ms,
                ),
            )
            return None if row is None else row[0]

        return await self._database.write(work)

    async def get(self, sketch_id: int) -> ImageGeneration | None:
        """Give a sketch, if it is still kept."""

        row_id = await self._id(sketch_id)

        async def work(transaction: Transaction) -> Row | None:
            return await transaction.fetch_one(_BY_ID, (row_id,))

        row = await self._database.read(work)
        if row is None or self._gone.contains_any((row[0], row[1], row[9])):
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

    async def remove(self, sketch_id: int) -> None:
        """Take a sketch away."""

        row_id = await self._id(sketch_id)

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_REMOVE, (row_id,))

        await self._database.write(work)

    async def _id(self, sketch_id: int) -> int:
        return sketch_id if self._late is None else await self._late.resolve_id(sketch_id)
