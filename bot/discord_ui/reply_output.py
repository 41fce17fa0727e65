"""The answer to a message: a reply to it, without a ping, and further messages where it is long.

A further message is a reply to the one before it, so that an answer's messages can be distinguished from others that
are written in the same channel: by people, and by the process that takes over after a crash.
"""

import asyncio
import io
import logging
import secrets
import weakref
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.discord_ui.components import build_answer_view
from bot.discord_ui.context import ChannelPermissions
from bot.discord_ui.discord_output import detecting_deletion, raise_if_deleted
from bot.discord_ui.rate_limit_buckets import ChannelBucket, SharedBucket
from bot.inflight.cancellation import CancellationToken
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.messages.render import render
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


class SentMessages:
    """Knows which of the messages that are waited for have arrived, as the gateway reports them.

    discord.py holds back the response to the request that empties a bucket, and a response can get lost; the gateway
    reports the message all the same, with the nonce that it was sent with.
    """

    def __init__(self) -> None:
        self._awaited: weakref.WeakValueDictionary[str, asyncio.Future[int]] = weakref.WeakValueDictionary()

    def expect(self, nonce: str) -> asyncio.Future[int]:
        """Return what will hold the id of the message with that nonce; to be held for as long as it matters."""
        arrival = self._awaited.get(nonce)
        if arrival is None:
            arrival = self._awaited[nonce] = asyncio.get_running_loop().create_future()
        return arrival

    def confirm(self, message: discord.Message) -> None:
        """Record a message of the bot's own that the gateway reported."""
        arrival = self._awaited.get(str(message.nonce))
        if arrival is not None and not arrival.done():
            arrival.set_result(message.id)


class SendAttempt:
    """A new message on its way, recognised by its nonce; `deliver` may be called again until it returns.

    A request that failed may have been carried out all the same: then the message is looked for. If it is not found,
    it is sent again, under the nonce by which Discord knows for some minutes that it is the same.
    """

    def __init__(
        self,
        channel: discord.PartialMessageable,
        reference: discord.MessageReference | None,
        nonce: str,
        arrival: asyncio.Future[int],
        *,
        own_id: int,
        tasks: BackgroundTasks,
    ) -> None:
        self.content: MessageContent | None = None
        """What the message shows, if it was sent; None where it surely wasn't."""
        self._channel = channel
        self._reference = reference
        self._nonce = nonce
        self._arrival = arrival
        self._own_id = own_id
        self._tasks = tasks

    async def deliver(self, content: MessageContent) -> int:
        """Send the message, unless it was sent already, and return its id. `content` may be newer than what it shows.

        Raises:
            Exception: what discord.py raises when the request fails.
        """
        if self.content is not None and self.confirmed_id() is None:
            await self.recover(self.content)
        if self.confirmed_id() is None:
            await self.send(content)
        return self._arrival.result()

    def confirmed_id(self) -> int | None:
        """Return the id of the message once a response, the gateway or the channel's history has shown it."""
        return self._arrival.result() if self._arrival.done() else None

    async def send(self, content: MessageContent) -> None:
        """Send the message and wait for the response or the gateway, whichever is first."""
        self.content = self.content or content
        sending = self._tasks.start(self._post(content))
        waits: set[asyncio.Future[Any]] = {sending, self._arrival}  # Any: a message or its id
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self._arrival.done():
            return
        message = sending.result()
        if isinstance(message, Exception):
            if _was_refused(message):
                self.content = None
            raise message
        # Discord may have known the nonce, and given what was sent with it earlier.
        self.content = content if message.content == content.text else MessageContent(message.content)
        self._confirm(message.id)

    async def recover(self, sent: MessageContent) -> None:
        """Look through the channel for a message that may have been sent."""
        reference = self._reference
        if reference is None:
            return
        above = reference.message_id
        try:
            async for each in self._channel.history(limit=_HISTORY_LIMIT, after=discord.Object(above or 0)):
                replies_to = None if each.reference is None else each.reference.message_id
                if each.author.id == self._own_id and each.content == sent.text and replies_to == above:
                    self._confirm(each.id)
                    return
        except Exception as failure:
            # discord.py lets the network's errors through, which have nothing in common. One message too many beats
            # one that is lost.
            facts = {"guild": self._channel.guild_id, "channel": self._channel.id, "error": type(failure).__name__}
            logger.info("message lookup failed", extra=facts)

    def _confirm(self, message_id: int) -> None:
        if not self._arrival.done():  # the gateway may have been first
            self._arrival.set_result(message_id)

    async def _post(self, content: MessageContent) -> discord.Message | Exception:
        """Return the message that was sent, or what went wrong: of no interest where the gateway was first."""
        more: dict[str, Any] = {}  # Any: discord.py's options
        if (view := content.view) is not None:
            more["view"] = view
        if self._reference is not None:
            more |= {"reference": self._reference, "mention_author": False}
        try:
            return await self._channel.send(
                content.text, nonce=self._nonce, suppress_embeds=True, files=content.uploads, **more
            )
        except Exception as error:  # any of discord.py's or the network's: raised where it is of interest
            return error


class ReplyOutput:
    """Shows an answer to a message, and what takes its place when there is none.

    Everything goes through the bot's own channel routes, whose buckets are shared with other answers there. Requests
    run one after another; none may be cancelled in flight, which the caller ensures.

    Args:
        message_id: the id of the message that asks.
    """

    def __init__(
        self,
        message_id: int,
        channel: discord.PartialMessageable,
        permissions: ChannelPermissions,
        cancellation: CancellationToken,
        *,
        own_id: int,
        channel_bucket: ChannelBucket,
        sent_messages: SentMessages,
        tasks: BackgroundTasks,
    ) -> None:
        self.id = message_id
        """The id of the message that asks: what it is claimed by."""
        self.first_text = asyncio.Event()
        """Set once there is text of the answer, or a notice in its place."""
        self.cancellation = cancellation
        """Cancelled where the answer is to end."""
        self._channel = channel
        self._permissions = permissions
        self._own_id = own_id
        self._channel_bucket = channel_bucket
        self._sent_messages = sent_messages
        self._tasks = tasks
        self._ids: list[int] = []
        self._nonce = secrets.token_hex(8)
        self._attempt: SendAttempt | None = None
        self._lock = asyncio.Lock()
        self._last_response = _LastResponse()

    @property
    def bucket(self) -> RateLimitBucket:
        """A bucket without remaining requests: the channel's edit schedulers share those."""
        return self._last_response

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        return tuple(self._ids)

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Wait behind the other answers in the channel. New messages go as soon as there is a request left."""
        if index < len(self._ids):
            return self._channel_bucket.editing.edit_slot(urgent)
        return self._channel_bucket.creating.edit_slot(_urgent())

    async def acknowledge(self) -> int | None:
        """Do nothing: who wrote the message sees the typing indicator."""
        return None

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Edit the answer's message `index`, counted from 0, or send the next one.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        await self._show_text(index, MessageContent(text, buttons))

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file, if that is allowed here."""
        content = (
            MessageContent(text, buttons, (filename, data))
            if self._permissions.attach
            else MessageContent(render(texts.may_not_attach_rest()), buttons)
        )
        await self._show_text(index, content)

    async def show_status(self, status: Message, buttons: AnswerButtons = NO_BUTTONS) -> None:
        """Show `status` where the answer will be."""
        async with self._lock, self.edit_slot(0, _urgent()):
            await self._apply(0, MessageContent(render(status), buttons))

    async def show_result(
        self, text: str, files: Sequence[discord.File] = (), view: discord.ui.View | None = None
    ) -> None:
        """Put a notice in place of the answer, or below what there is of it."""
        assert not files
        assert view is None, "only text takes an answer's place"
        async with self._lock:
            index = len(self._ids) if self.first_text.is_set() else 0
            async with self.edit_slot(index, _urgent()):
                await self._apply(index, MessageContent(text))
            self.first_text.set()

    async def mark_final(self, message_count: int) -> None:
        """Do nothing: see `RecordingOutput`."""

    async def has_text(self) -> bool:
        """Return whether there is text of the answer, or a notice, once the request in flight has ended."""
        async with self._lock:
            return self.first_text.is_set()

    async def _show_text(self, index: int, content: MessageContent) -> None:
        async with self._lock:
            await self._apply(index, content)
            self.first_text.set()

    async def _apply(self, index: int, content: MessageContent) -> None:
        with detecting_deletion(self.cancellation):
            if index < len(self._ids):
                self._last_response.bucket = self._channel_bucket.edits
                await self._edit(self._ids[index], content)
            else:
                self._last_response.bucket = self._channel_bucket.new
                await self._create(content)

    async def _edit(self, message_id: int, content: MessageContent) -> None:
        message = self._channel.get_partial_message(message_id)
        files: dict[str, Any] = (
            {} if content.file is None else {"attachments": content.uploads}
        )  # Any: discord.py's options
        await message.edit(content=content.text, view=content.view, **files)

    async def _create(self, content: MessageContent) -> None:
        """Send the next message, unless the answer is deleted: what comes too late for that is deleted."""
        raise_if_deleted(self.cancellation)
        attempt = self._attempt = self._attempt or self._build_attempt()
        message_id = await attempt.deliver(content)
        self._attempt = None
        self._ids.append(message_id)
        await self._delete_if_cancelled(message_id)
        if attempt.content != content:  # one that was sent earlier, when there was less
            await self._edit(message_id, content)

    async def _delete_if_cancelled(self, message_id: int) -> None:
        """Delete a message that came too late for the rest's deletion."""
        try:
            raise_if_deleted(self.cancellation)
        except OutputDeleted:
            await self._channel.get_partial_message(message_id).delete()
            raise

    def _build_attempt(self) -> SendAttempt:
        nonce = f"{self._nonce}{len(self._ids)}"
        return SendAttempt(
            self._channel,
            self._build_reference(),
            nonce,
            self._sent_messages.expect(nonce),
            own_id=self._own_id,
            tasks=self._tasks,
        )

    def _build_reference(self) -> discord.MessageReference | None:
        """Return the reference for the next message: to the question, then to the answer's own last message."""
        if not self._permissions.reply:
            return None
        return discord.MessageReference(
            message_id=self._ids[-1] if self._ids else self.id,
            channel_id=self._channel.id,
            guild_id=self._channel.guild_id,
            # A question that was deleted needs no answer.
            fail_if_not_exists=not self._ids,
        )


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


def _was_refused(error: Exception) -> bool:
    """Return whether a request was surely not carried out."""
    return isinstance(error, discord.HTTPException) and 400 <= error.status < 500
