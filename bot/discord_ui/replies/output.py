"""The answer to a message: a reply to it, without a ping, and further messages where it is long.

A further message is a reply to the one before it, so that an answer's messages can be distinguished from others that
are written in the same channel: by people, and by the process that takes over after a crash.
"""

import asyncio
import io
import logging
import secrets
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.discord_ui import error_messages
from bot.discord_ui.components import build_answer_view
from bot.discord_ui.context import ChannelPermissions
from bot.discord_ui.rate_limit_buckets import ChannelBucket, SharedBucket
from bot.discord_ui.sent_messages import SentMessages, detecting_deletion, raise_if_deleted
from bot.inflight.cancellation import CancellationToken, InFlightRequest
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.store.inflight import Phase
from bot.streaming.output import NO_BUTTONS, AnswerButtons, OutputDeleted, RateLimitBucket
from bot.tasks import BackgroundTasks

logger = logging.getLogger(__name__)

_HISTORY_LIMIT: Final = 100
"""Messages after the last one known: far more than are written while a request runs."""

File = tuple[str, bytes]
"""A name and what is in it."""


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a message shows."""

    text: str
    buttons: AnswerButtons = NO_BUTTONS
    file: File | None = None

    @property
    def uploads(self) -> list[discord.File]:
        """The file as it is sent."""
        if self.file is None:
            return []
        name, data = self.file
        return [discord.File(io.BytesIO(data), name)]

    @property
    def view(self) -> discord.ui.View | None:
        """The buttons as they are sent."""
        return build_answer_view(self.buttons)


class ReplyOutput:
    """Shows an answer to a message, and what takes its place when there is none. Made by `Replies`.

    Everything goes through the bot's own channel routes, whose buckets are shared with other answers there. Requests
    run one after another, each to its end even where the waiting task is cancelled.
    """

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
        self.first_text = asyncio.Event()
        """Set once there is text of the answer, or a notice in its place."""
        self.cancellation = CancellationToken()
        """Cancelled where the answer is to end."""
        self._own_id = own_id
        self._channel_bucket = channel_bucket
        self._sent_messages = sent_messages
        self._tasks = tasks
        self._inflight: InFlightRequest | None = None
        self._ids: list[int] = []
        self._nonce = secrets.token_hex(8)
        self._unconfirmed: _SendAttempt | None = None
        self._lock = asyncio.Lock()
        self._last_response = _LastResponse()

    @property
    def id(self) -> int:
        """The id of the message that asks: what it is claimed by."""
        return self.message.id

    @property
    def bucket(self) -> RateLimitBucket:
        """A bucket without remaining requests: the channel's edit schedulers share those."""
        return self._last_response

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        return tuple(self._ids)

    def set_inflight_request(self, inflight: InFlightRequest) -> None:
        """Store the in-flight request, and its cancellation token."""
        self._inflight = inflight
        self.cancellation = inflight.cancellation

    def writing(self) -> AbstractContextManager[None]:
        """Count among the channel's answers that share its rate limit, for as long as the block runs."""
        return self._channel_bucket.share()

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Wait behind the other answers in the channel. New messages go as soon as there is a request left."""
        if index < len(self._ids):
            return self._channel_bucket.editing.edit_slot(urgent)
        return self._channel_bucket.creating.edit_slot(_urgent())

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Edit the answer's message `index`, counted from 0, or send the next one.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        await self._tasks.run_shielded(self._show_text(index, MessageContent(text, buttons)))

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file, if that is allowed here."""
        content = (
            MessageContent(text, buttons, (filename, data))
            if self.permissions.attach
            else MessageContent(render(texts.may_not_attach_rest()), buttons)
        )
        await self._tasks.run_shielded(self._show_text(index, content))

    async def show_status(self, status: Message, buttons: AnswerButtons = NO_BUTTONS) -> None:
        """Show `status` where the answer will be."""
        await self._tasks.run_shielded(self._show_status(MessageContent(render(status), buttons)))

    async def mark_final(self, message_count: int) -> None:
        """Record that the final text follows, for the process that takes over after a crash."""
        if self._inflight is not None:
            await self._inflight.mark_final(message_count)

    async def tell(self, error: Exception) -> bool:
        """Tell the requester what went wrong, in one sentence; return whether Discord accepted it."""
        return await self.say(error_messages.log_and_format(error, **self._facts))

    async def say(self, text: str) -> bool:
        """Show a text in place of an answer; return whether Discord accepted it."""
        if not self.permissions.write:
            return False
        try:
            await self._tasks.run_shielded(self._say(text))
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common. The log is what remains.
            logger.warning("notice not shown", extra={**self._facts, "error": type(failure).__name__})
            return False
        return True

    async def tell_unless_answered(self, error: Exception) -> None:
        """Do as `tell` does, unless there are words of an answer already."""
        async with self._lock:  # the request in flight may show the first text
            answered = self.first_text.is_set()
        if not answered:
            await self.tell(error)

    @property
    def _facts(self) -> dict[str, object]:
        return {
            "user": self.message.author.id,
            "guild": self.channel.guild_id,
            "channel": self.channel.id,
            "event": self.id,
        }

    async def _show_text(self, index: int, content: MessageContent) -> None:
        async with self._lock:
            await self._apply(index, content)
            self._set_phase(Phase.TEXT)
            self.first_text.set()

    async def _show_status(self, content: MessageContent) -> None:
        async with self._lock:
            self._set_phase(Phase.WAITING)
            if self._inflight is not None:
                await self._inflight.wait_recorded()  # first: nothing in the text tells that it waits
            async with self.edit_slot(0, _urgent()):
                await self._apply(0, content)
            self._set_phase(Phase.WAITING)

    async def _say(self, text: str) -> None:
        """Put a notice in place of the answer, or below what there is of it."""
        async with self._lock:
            index = len(self._ids) if self.first_text.is_set() else 0
            async with self.edit_slot(index, _urgent()):
                await self._apply(index, MessageContent(text))
            self._set_phase(Phase.THINKING)  # all there is to show
            self.first_text.set()

    def _set_phase(self, phase: Phase) -> None:
        if self._inflight is not None:
            self._inflight.set_phase(phase, self.message_ids)

    async def _apply(self, index: int, content: MessageContent) -> None:
        with detecting_deletion(self.cancellation):
            if index < len(self._ids):
                self._last_response.bucket = self._channel_bucket.edits
                await self._edit(self._ids[index], content)
            else:
                self._last_response.bucket = self._channel_bucket.new
                await self._create(content)

    async def _edit(self, message_id: int, content: MessageContent) -> None:
        message = self.channel.get_partial_message(message_id)
        files: dict[str, Any] = (
            {} if content.file is None else {"attachments": content.uploads}
        )  # Any: discord.py's options
        await message.edit(content=content.text, view=content.view, **files)

    async def _create(self, content: MessageContent) -> None:
        """Send the next message, and record its id from the response or the gateway, whichever is first.

        A request that failed may have been carried out all the same: then the message is looked for. If it is not
        found, it is sent again, under the nonce by which Discord knows for some minutes that it is the same.
        """
        raise_if_deleted(self.cancellation)
        nonce = f"{self._nonce}{len(self._ids)}"
        sent = self._unconfirmed or _SendAttempt(content, self._sent_messages.expect(nonce))
        if self._unconfirmed is not None and not sent.arrival.done():
            await self._find_sent(sent)
        if not sent.arrival.done():
            sending = self._tasks.start(self._send(content, nonce))
            waits: set[asyncio.Future[Any]] = {sending, sent.arrival}  # Any: a message or its id
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not sent.arrival.done():
                self._unconfirmed = None if _was_refused(sending) else sent
                message = sending.result()
                # Discord may have known the nonce, and given what was sent with it earlier.
                sent = _SendAttempt(
                    content if message.content == content.text else MessageContent(message.content), sent.arrival
                )
                sent.arrival.set_result(message.id)
        self._unconfirmed = None
        self._ids.append(sent.arrival.result())
        await self._delete_if_cancelled(self._ids[-1])
        if sent.content != content:  # one that was sent earlier, when there was less
            await self._edit(self._ids[-1], content)

    async def _delete_if_cancelled(self, message_id: int) -> None:
        """Delete a message that came too late for the rest's deletion."""
        try:
            raise_if_deleted(self.cancellation)
        except OutputDeleted:
            await self.channel.get_partial_message(message_id).delete()
            raise

    async def _send(self, content: MessageContent, nonce: str) -> discord.Message:
        more: dict[str, Any] = {}  # Any: discord.py's options
        if (view := content.view) is not None:
            more["view"] = view
        if (above := self._build_reference()) is not None:
            more |= {"reference": above, "mention_author": False}
        return await self.channel.send(content.text, nonce=nonce, suppress_embeds=True, files=content.uploads, **more)

    def _build_reference(self) -> discord.MessageReference | None:
        """Return the reference for the next message: to the question, then to the answer's own last message."""
        if not self.permissions.reply:
            return None
        return discord.MessageReference(
            message_id=self._ids[-1] if self._ids else self.id,
            channel_id=self.channel.id,
            guild_id=self.channel.guild_id,
            # A question that was deleted needs no answer.
            fail_if_not_exists=not self._ids,
        )

    async def _find_sent(self, sent: "_SendAttempt") -> None:
        """Look through the channel for a message that may have been sent."""
        above = self._ids[-1] if self._ids else self.id
        try:
            async for each in self.channel.history(limit=_HISTORY_LIMIT, after=discord.Object(above)):
                replies_to = None if each.reference is None else each.reference.message_id
                if each.author.id == self._own_id and each.content == sent.content.text and replies_to == above:
                    sent.arrival.set_result(each.id)
                    return
        except Exception as failure:
            # As for `say`. One message too many beats one that is lost.
            logger.info("message lookup failed", extra={**self._facts, "error": type(failure).__name__})


class _SendAttempt:
    """A new message on its way: what it shows, and what will hold its id."""

    def __init__(self, content: MessageContent, arrival: asyncio.Future[int]) -> None:
        self.content = content
        self.arrival = arrival


class _LastResponse:
    """A bucket of which only the time of the last response is known."""

    def __init__(self) -> None:
        self.bucket: SharedBucket | None = None

    def remaining(self) -> int | None:
        return None

    def reset_after_s(self) -> float:
        return 0.0

    @property
    def responded_at(self) -> float | None:
        return None if self.bucket is None else self.bucket.responded_at


def _urgent() -> asyncio.Event:
    urgent = asyncio.Event()
    urgent.set()
    return urgent


def _was_refused(sending: "asyncio.Task[discord.Message]") -> bool:
    """Return whether a request was surely not carried out."""
    error = sending.exception()
    return isinstance(error, discord.HTTPException) and 400 <= error.status < 500
