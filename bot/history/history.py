"""The history of a channel, thread or direct message: reading, exporting and clearing it."""

import logging
from enum import StrEnum
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import TurnNotFound
from bot.history.exports import VERSION, Export, Json, build_json_file, build_markdown_file, format_id, format_time
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import NEWEST, TurnFilter, TurnPage, TurnReader
from bot.store.turns import Turn

logger = logging.getLogger(__name__)

PAGE_TURNS: Final = 5

_BATCH_TURNS: Final = 100
_FORMAT: Final = "multiappai-discord-history"


class ExportFormat(StrEnum):
    """The formats of an export."""

    MARKDOWN = "markdown"
    JSON = "json"


class History:
    """The turns of the requester's channel that they may see: the public ones and their own private ones.

    Every method checks the requester's permissions, and may raise MissingPermission or StoreUnavailable.
    """

    def __init__(self, turn_reader: TurnReader, turn_deletion: TurnDeletion, clock: Clock) -> None:
        self._turn_reader = turn_reader
        self._turn_deletion = turn_deletion
        self._clock = clock

    def check_reading(self, requester: RequestContext) -> None:
        """Check that the requester may see the history here."""
        requester.require(Permission.READ_MESSAGE_HISTORY)

    def check_clearing(self, requester: RequestContext) -> None:
        """Check that the requester may clear the history here."""
        requester.require(Permission.MANAGE_MESSAGES)

    async def get_newest(self, requester: RequestContext) -> TurnPage:
        """Return the first page: the newest turns."""
        return await self.get_before(requester, NEWEST)

    async def get_before(self, requester: RequestContext, turn_id: int) -> TurnPage:
        """Return the page of turns before one."""
        requester.require(Permission.READ_MESSAGE_HISTORY)
        return await self._turn_reader.get_page_before(_build_filter(requester), turn_id, PAGE_TURNS)

    async def get_after(self, requester: RequestContext, turn_id: int) -> TurnPage:
        """Return the page of turns after one."""
        requester.require(Permission.READ_MESSAGE_HISTORY)
        return await self._turn_reader.get_page_after(_build_filter(requester), turn_id, PAGE_TURNS)

    async def count(self, requester: RequestContext) -> int:
        """Return how many turns there are to clear."""
        requester.require(Permission.MANAGE_MESSAGES)
        return await self._turn_reader.count(_build_filter(requester))

    async def export(self, requester: RequestContext, export_format: ExportFormat, max_bytes: int) -> Export:
        """Return the turns as a file of at most `max_bytes`, without the oldest ones where not all of them fit."""
        requester.require(Permission.READ_MESSAGE_HISTORY)
        turn_filter = _build_filter(requester)

        async def load_before(before: int) -> list[Turn]:
            return await self._turn_reader.list_before(turn_filter, before, _BATCH_TURNS)

        total = await self._turn_reader.count(turn_filter)
        now = format_time(unix_ms(self._clock.discord_now()))
        name = f"history-{requester.channel_id}-{now[:10]}"
        if export_format is ExportFormat.MARKDOWN:
            return await build_markdown_file(name, f"# Conversation, as of {now}", total, load_before, max_bytes)
        facts: Json = {
            "format": _FORMAT,
            "version": VERSION,
            "exported_at": now,
            "server_id": format_id(requester.guild_id),
            "channel_id": str(requester.channel_id),
        }
        return await build_json_file(name, facts, total, load_before, max_bytes)

    async def clear(self, requester: RequestContext) -> int:
        """Delete the public turns here and the requester's own private ones; return how many they were."""
        requester.require(Permission.MANAGE_MESSAGES)
        cleared = await self._turn_deletion.delete_visible_to(requester.user_id, requester.channel_id)
        logger.info(
            "history cleared", extra={"channel": requester.channel_id, "user": requester.user_id, "turns": cleared}
        )
        return cleared

    async def get_turn_for(self, requester: RequestContext, turn_id: int) -> Turn:
        """Return the turn with this id, of the requester's channel.

        Raises:
            TurnNotFound: there is none (any more).
            NotOwner: the requester neither asked nor may manage messages here.
        """
        turn = await self._turn_reader.get(turn_id)
        if turn is None or turn.channel_id != requester.channel_id:
            raise TurnNotFound(f"turn {turn_id}")
        if turn.private and turn.author_id != requester.user_id:
            raise TurnNotFound(f"turn {turn_id}, private")
        requester.require_own(turn.author_id)
        return turn

    async def delete_turn(self, turn: Turn) -> None:
        """Delete a turn, and make sure that nothing more is kept of its messages."""
        await self._turn_deletion.delete_turn(turn.id, turn.answer_message_ids)
        logger.info("turn deleted by its button", extra={"turn": turn.id, "channel": turn.channel_id})


def _build_filter(requester: RequestContext) -> TurnFilter:
    return TurnFilter(requester.user_id, requester.channel_id)
