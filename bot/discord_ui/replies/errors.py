"""Errors of requests in messages: shown once and briefly, since a channel belongs to all.

A command's refusal is seen by one person; a reply is seen by all. So it goes away after a moment, and is said once for
as long as the same limit holds for the same member; after that a reaction has to do.
"""

import asyncio
import logging
from typing import Final

import discord
from cachetools import TLRUCache

from bot.clock import Clock
from bot.discord_ui.replies.output import ReplyOutput
from bot.errors import AccessDenied, QueueFull, QuotaExceeded, UserError, UserRateLimited
from bot.messages.message import Message
from bot.messages.render import render
from bot.tasks import BackgroundTasks

DELETE_AFTER_S: Final = 15.0
REPEAT_AFTER_S: Final = {AccessDenied: 3600.0, QueueFull: 60.0}
"""When refusals without an end of their own are shown again."""

PLEASE_WAIT: Final = "⏳"
CANNOT_WRITE: Final = "🔇"

MAX_REMEMBERED: Final = 10_000

logger = logging.getLogger(__name__)

_Key = tuple[int, str]


class ReplyErrors:
    """Shows errors below messages. What was shown is kept in memory: after a restart it is shown once more."""

    def __init__(self, clock: Clock, tasks: BackgroundTasks) -> None:
        self._clock = clock
        self._tasks = tasks
        self._shown_until: TLRUCache[_Key, float] = TLRUCache(
            MAX_REMEMBERED, lambda _, until, __: until, clock.monotonic
        )
        """Until when an error that was shown to a member applies, in monotonic seconds."""
        self._closing = asyncio.Event()

    async def refuse(self, answer: ReplyOutput, refusal: UserError) -> None:
        """Reply why there is no answer; react with an emoji if it was already shown to the member."""
        key, holds_s = self._key(answer, refusal)
        facts = {"user": answer.message.author.id, "channel": answer.channel.id, "error": type(refusal).__name__}
        if holds_s is None:
            await answer.tell(refusal)
        elif not answer.permissions.write:
            logger.info("refused, and no way to say so", extra=facts)
            await self.react(answer, CANNOT_WRITE)
        elif key in self._shown_until:
            logger.info("refused again", extra=facts)
            await self.react(answer, PLEASE_WAIT)
        else:
            self._shown_until[key] = self._clock.monotonic() + holds_s
            if await answer.tell(refusal):
                self._delete_later(answer, DELETE_AFTER_S)

    async def hint(self, answer: ReplyOutput, hint: Message, stays_s: float) -> None:
        """Reply with a hint, and delete it after a while."""
        if await answer.say(render(hint)):
            self._delete_later(answer, stays_s)

    async def react(self, answer: ReplyOutput, emoji: str) -> None:
        """Put an emoji under a message, where that is allowed."""
        if not answer.permissions.react:
            return
        try:
            await answer.message.add_reaction(emoji)
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common.
            logger.info("reaction not shown", extra={"channel": answer.channel.id, "error": type(failure).__name__})

    def close(self) -> None:
        """Delete at once what would be deleted later."""
        self._closing.set()

    def _key(self, answer: ReplyOutput, refusal: UserError) -> tuple[_Key, float | None]:
        """Return who is refused by what, and for how many seconds that holds; None for what is no limit."""
        member = answer.message.author.id
        match refusal:
            case QuotaExceeded():
                return (member, refusal.limit_key), (refusal.resets_at - self._clock.now()).total_seconds()
            case UserRateLimited():
                return (member, "pace"), (refusal.until - self._clock.discord_now()).total_seconds()
        return (member, type(refusal).__name__), REPEAT_AFTER_S.get(type(refusal))

    def _delete_later(self, answer: ReplyOutput, after_s: float) -> None:
        self._tasks.start(self._delete(answer, after_s))

    async def _delete(self, answer: ReplyOutput, after_s: float) -> None:
        waits = [asyncio.ensure_future(self._clock.sleep(after_s)), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for message_id in answer.message_ids:
            try:
                await answer.channel.get_partial_message(message_id).delete()
            except discord.HTTPException as failure:
                # Most likely it was deleted already.
                logger.info("notice not taken back", extra={"channel": answer.channel.id, "status": failure.status})
