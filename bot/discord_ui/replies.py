"""Replies to messages: the answer, the typing indicator until it comes, and errors.

An error is shown once and briefly, since a channel belongs to all. A command's refusal is seen by one person; a reply
is seen by all. So it goes away after a moment, and is said once for as long as the same limit holds for the same
member; after that a reaction has to do.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Final

import discord
from cachetools import TLRUCache

from bot.clock import Clock
from bot.discord_ui import error_messages
from bot.discord_ui.context import ChannelPermissions, MessageableChannel, permissions_in
from bot.discord_ui.discord_output import DiscordOutput, RecordingOutput, repeat_once
from bot.discord_ui.rate_limit_buckets import ChannelBucket, RateLimitBuckets
from bot.discord_ui.reply_output import ReplyOutput, SentMessages
from bot.errors import AccessDenied, QueueFull, QuotaExceeded, UserError, UserRateLimited
from bot.inflight.cancellation import CancellationToken, InFlightRequest
from bot.messages.message import Message
from bot.messages.render import render
from bot.tasks import BackgroundTasks, cancel_and_wait, sleep_unless

logger = logging.getLogger(__name__)

DELETE_AFTER_S: Final = 15.0
REPEAT_AFTER_S: Final = {AccessDenied: 3600.0, QueueFull: 60.0}
"""When refusals without an end of their own are shown again."""

PLEASE_WAIT: Final = "⏳"
CANNOT_WRITE: Final = "🔇"

MAX_REMEMBERED: Final = 10_000

TYPING_EVERY_S: Final = 9.0
"""Discord shows the typing indicator for 10 seconds, and allows few such requests."""

CLOSE_TIMEOUT_S: Final = 1.0
"""How long running requests may take at shutdown: the answers themselves are over by then."""

_Key = tuple[int, str]


class TypingIndicator:
    """Types in channels; several answers that wait in one of them are typed for once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._awaited: dict[int, set[asyncio.Event]] = {}
        self._typing: dict[int, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def until(self, first_text: asyncio.Event, channel: discord.PartialMessageable) -> AsyncIterator[None]:
        """Type in a channel until there is a first word, or the block ends."""
        awaited = self._awaited.setdefault(channel.id, set())
        awaited.add(first_text)
        typing = self._typing.get(channel.id)
        if typing is None or typing.done():
            self._typing[channel.id] = asyncio.create_task(self._type(channel, awaited), name="typing")
        try:
            yield
        finally:
            awaited.discard(first_text)
            if not awaited:
                del self._awaited[channel.id]
                await cancel_and_wait(self._typing.pop(channel.id))

    async def _type(self, channel: discord.PartialMessageable, awaited: Collection[asyncio.Event]) -> None:
        try:
            while not all(first_text.is_set() for first_text in awaited):
                await channel.typing()
                await self._clock.sleep(TYPING_EVERY_S)
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common. The answer comes all the same.
            logger.info("typing not shown", extra={"channel": channel.id, "error": type(failure).__name__})


class Reply:
    """A message that is answered, and where its answer shows. Made by `Replies`."""

    def __init__(
        self,
        message: discord.Message,
        channel: discord.PartialMessageable,
        permissions: ChannelPermissions,
        *,
        own_id: int,
        channel_bucket: ChannelBucket,
        sent_messages: SentMessages,
        tasks: BackgroundTasks,
    ) -> None:
        self.message = message
        self.channel = channel
        self.permissions = permissions
        self._channel_bucket = channel_bucket
        self._tasks = tasks
        self._messages = ReplyOutput(
            message.id,
            channel,
            permissions,
            CancellationToken(),
            own_id=own_id,
            channel_bucket=channel_bucket,
            sent_messages=sent_messages,
            tasks=tasks,
        )
        self.output: DiscordOutput = self._messages
        """Where the answer shows; recorded from `set_inflight_request` on."""

    @property
    def id(self) -> int:
        """The id of the message: what it is claimed by."""
        return self.message.id

    @property
    def first_text(self) -> asyncio.Event:
        """Set once there is text of the answer, or a notice in its place."""
        return self._messages.first_text

    def set_inflight_request(self, inflight: InFlightRequest) -> None:
        """Record what is shown from now on, and use the request's cancellation token."""
        self._messages.cancellation = inflight.cancellation
        self.output = RecordingOutput(self._messages, inflight)

    def writing(self) -> AbstractContextManager[None]:
        """Count among the channel's answers that share its rate limit, for as long as the block runs."""
        return self._channel_bucket.share()

    async def tell(self, error: Exception) -> bool:
        """Tell the requester what went wrong, in one sentence; return whether Discord accepted it."""
        return await self.say(error_messages.log_and_format(error, **self._facts))

    async def say(self, text: str) -> bool:
        """Show a text in place of an answer; return whether Discord accepted it."""
        if not self.permissions.write:
            return False
        try:
            # To its end: the one who waits may be interrupted, and then look whether there is something to read.
            await self._tasks.run_shielded(repeat_once(lambda: self.output.show_result(text)))
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common. The log is what remains.
            logger.warning("notice not shown", extra={**self._facts, "error": type(failure).__name__})
            return False
        return True

    async def tell_unless_answered(self, error: Exception) -> bool:
        """Do as `tell` does, unless there are words of an answer already; return False where there is neither."""
        return await self._messages.has_text() or await self.tell(error)

    @property
    def _facts(self) -> dict[str, object]:
        return {
            "user": self.message.author.id,
            "guild": self.channel.guild_id,
            "channel": self.channel.id,
            "event": self.id,
        }


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

    async def refuse(self, reply: Reply, refusal: UserError) -> None:
        """Reply why there is no answer; react with an emoji if it was already shown to the member."""
        key, holds_s = self._key(reply, refusal)
        facts = {"user": reply.message.author.id, "channel": reply.channel.id, "error": type(refusal).__name__}
        if holds_s is None:
            await reply.tell(refusal)
        elif not reply.permissions.write:
            logger.info("refused, and no way to say so", extra=facts)
            await self.react(reply, CANNOT_WRITE)
        elif key in self._shown_until:
            logger.info("refused again", extra=facts)
            await self.react(reply, PLEASE_WAIT)
        else:
            self._shown_until[key] = self._clock.monotonic() + holds_s
            if await reply.tell(refusal):
                self._delete_later(reply, DELETE_AFTER_S)

    async def hint(self, reply: Reply, hint: Message, stays_s: float) -> None:
        """Reply with a hint, and delete it after a while."""
        if await reply.say(render(hint)):
            self._delete_later(reply, stays_s)

    async def react(self, reply: Reply, emoji: str) -> None:
        """Put an emoji under a message, where that is allowed."""
        if not reply.permissions.react:
            return
        try:
            await reply.message.add_reaction(emoji)
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common.
            logger.info("reaction not shown", extra={"channel": reply.channel.id, "error": type(failure).__name__})

    def close(self) -> None:
        """Delete at once what would be deleted later."""
        self._closing.set()

    def _key(self, reply: Reply, refusal: UserError) -> tuple[_Key, float | None]:
        """Return who is refused by what, and for how many seconds that holds; None for what is no limit."""
        member = reply.message.author.id
        match refusal:
            case QuotaExceeded():
                return (member, refusal.limit_key), (refusal.resets_at - self._clock.now()).total_seconds()
            case UserRateLimited():
                return (member, "pace"), (refusal.until - self._clock.discord_now()).total_seconds()
        return (member, type(refusal).__name__), REPEAT_AFTER_S.get(type(refusal))

    def _delete_later(self, reply: Reply, after_s: float) -> None:
        self._tasks.start(self._delete(reply, after_s))

    async def _delete(self, reply: Reply, after_s: float) -> None:
        await sleep_unless(self._clock, self._closing, after_s)
        for message_id in reply.output.message_ids:
            try:
                await reply.channel.get_partial_message(message_id).delete()
            except Exception as failure:
                # Most likely it was deleted already. discord.py lets the network's errors through, which have nothing
                # in common.
                facts = {"channel": reply.channel.id, "error": type(failure).__name__}
                logger.info("notice not taken back", extra=facts)


class ReplyResponder:
    """Answers one message. Made by `Replies.respond`."""

    def __init__(self, reply: Reply, typing: TypingIndicator, errors: ReplyErrors) -> None:
        self._reply = reply
        self._typing = typing
        self._errors = errors

    async def acknowledge(self) -> None:
        """Do nothing: nobody sees that a message has come before it is worked on."""

    async def show_status(self, status: Message) -> None:
        """Reply with `status`; the answer takes its place."""
        await self._reply.output.show_status(status)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Type until there is a first word; count among the channel's answers that share its rate limit."""
        async with self._typing.until(self._reply.first_text, self._reply.channel):
            with self._reply.writing():
                yield

    async def show_error(self, error: Exception) -> None:
        """Reply with a sentence; a refusal stays for a moment only."""
        if isinstance(error, UserError):
            await self._errors.refuse(self._reply, error)
        else:
            await self._reply.tell(error)


class Replies:
    """Makes the replies to messages, and holds what they share."""

    def __init__(self, client: discord.Client, buckets: RateLimitBuckets, clock: Clock) -> None:
        self.typing = TypingIndicator(clock)
        self.sent_messages = SentMessages()
        self._tasks = BackgroundTasks()
        self.errors = ReplyErrors(clock, self._tasks)
        self._client = client
        self._buckets = buckets

    def to(self, message: discord.Message, channel: MessageableChannel) -> Reply:
        """Return the reply to a message in `channel`."""
        user = self._client.user
        assert user is not None, "messages come to those who are logged in"
        guild_id = None if isinstance(channel, discord.DMChannel) else channel.guild.id
        return Reply(
            message,
            self._client.get_partial_messageable(channel.id, guild_id=guild_id),
            permissions_in(channel),
            own_id=user.id,
            channel_bucket=self._buckets.for_channel(channel.id),
            sent_messages=self.sent_messages,
            tasks=self._tasks,
        )

    def respond(self, reply: Reply) -> ReplyResponder:
        """Return what answers the message by `reply`."""
        return ReplyResponder(reply, self.typing, self.errors)

    async def close(self) -> None:
        """Delete what was to be deleted anyway, and end what still runs."""
        self.errors.close()
        await self._tasks.close(CLOSE_TIMEOUT_S)
