"""The history of a channel, a thread or a direct message: to look at, to take along, to clear."""

import logging
from enum import StrEnum
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import TurnNotFound
from bot.history.exports import VERSION, Export, Json, json_file, markdown_file, moment, text_or_none
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import NEWEST, TurnFilter, TurnPage, TurnReader
from bot.store.turns import Turn

log = logging.getLogger(__name__)

PAGE: Final = 5
"""Turns on a page."""

_READ_AT_ONCE: Final = 100
_FORMAT: Final = "multiappai-discord-history"


class Format(StrEnum):
    """What an export can be written in."""

    MARKDOWN = "markdown"
    JSON = "json"


class History:
    """The turns of the requester's channel that they may see: the public ones and their own private ones.

    Every method checks the requester's permissions, and may raise MissingPermission or StoreUnavailable.
    """

    def __init__(self, archive: TurnReader, removals: TurnDeletion, clock: Clock) -> None:
        self._archive = archive
        self._removals = removals
        self._clock = clock

    def check_reading(self, requester: RequestContext) -> None:
        """Check that the requester may see the history here."""
        requester.require(Permission.READ_MESSAGE_HISTORY)

    def check_clearing(self, requester: RequestContext) -> None:
        """Check that the requester may clear the history here."""
        requester.require(Permission.MANAGE_MESSAGES)

    async def newest(self, requester: RequestContext) -> TurnPage:
        """Give the first page: the newest turns."""
        return await self.before(requester, NEWEST)

    async def before(self, requester: RequestContext, turn_id: int) -> TurnPage:
        """Give the page of turns before one."""
        requester.require(Permission.READ_MESSAGE_HISTORY)
        return await self._archive.before(_view(requester), turn_id, PAGE)

    async def after(self, requester: RequestContext, turn_id: int) -> TurnPage:
        """Give the page of turns after one."""
        requester.require(Permission.READ_MESSAGE_HISTORY)
        return await self._archive.after(_view(requester), turn_id, PAGE)

    async def count(self, requester: RequestContext) -> int:
        """Tell how many turns there are to clear."""
        requester.require(Permission.MANAGE_MESSAGES)
        return await self._archive.count(_view(requester))

    async def export(self, requester: RequestContext, written_in: Format, room: int) -> Export:
        """Write the turns to a file of at most `room` bytes, the oldest ones left out where not all of them fit."""
        requester.require(Permission.READ_MESSAGE_HISTORY)
        view = _view(requester)

        async def reading(before: int) -> list[Turn]:
            return await self._archive.turns_before(view, before, _READ_AT_ONCE)

        total = await self._archive.count(view)
        now = moment(unix_ms(self._clock.discord_now()))
        name = f"history-{requester.channel_id}-{now[:10]}"
        if written_in is Format.MARKDOWN:
            return await markdown_file(name, f"# Conversation, as of {now}", total, reading, room)
        facts: Json = {
            "format": _FORMAT,
            "version": VERSION,
            "exported_at": now,
            "server_id": text_or_none(requester.guild_id),
            "channel_id": str(requester.channel_id),
        }
        return await json_file(name, facts, total, reading, room)

    async def clear(self, requester: RequestContext) -> int:
        """Delete the public turns here and the requester's own private ones; returns how many they were."""
        requester.require(Permission.MANAGE_MESSAGES)
        cleared = await self._removals.visible_to(requester.user_id, requester.channel_id)
        log.info(
            "history cleared", extra={"channel": requester.channel_id, "user": requester.user_id, "turns": cleared}
        )
        return cleared


def _view(requester: RequestContext) -> TurnFilter:
    return TurnFilter(requester.user_id, requester.channel_id)


class TurnLookup:
    """Kept turns by their ids. Every method may raise StoreUnavailable."""

    def __init__(self, archive: TurnReader, removals: TurnDeletion) -> None:
        self._archive = archive
        self._removals = removals

    async def turn(self, requester: RequestContext, turn_id: int) -> Turn:
        """Give a turn to do something with.

        Raises:
            TurnNotFound: there is none any more.
            NotOwner: the requester neither asked nor may manage messages here.
        """
        turn = await self._archive.turn(turn_id)
        if turn is None or turn.channel_id != requester.channel_id:
            raise TurnNotFound(f"turn {turn_id}")
        if turn.private and turn.author_id != requester.user_id:
            raise TurnNotFound(f"turn {turn_id}, private")
        requester.require_own(turn.author_id)
        return turn

    async def forget(self, turn: Turn) -> None:
        """Take a turn out of the history, and see that nothing more is kept of its messages."""
        await self._removals.of_turn(turn.id, turn.answer_message_ids)
        log.info("a turn deleted by its button", extra={"turn": turn.id, "channel": turn.channel_id})
