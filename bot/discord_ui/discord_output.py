"""What the outputs on Discord have in common: what they promise, how a deletion is noticed, what is recorded.

After a crash another process marks an answer by what is recorded in its in-flight row.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final, Protocol, TypeVar

import discord

from bot.conversation.answering import CancellableOutput
from bot.inflight.cancellation import CancellationToken, CancelReason, InFlightRequest
from bot.messages.message import Message
from bot.store.inflight import Phase
from bot.streaming.output import NO_BUTTONS, AnswerButtons, OutputDeleted, RateLimitBucket
from bot.streaming.pages import PROGRESS_MARKER

T = TypeVar("T")

logger = logging.getLogger(__name__)


class DiscordOutput(CancellableOutput, Protocol):
    """Where a request shows on Discord: an answer's messages, or all there is to show at once."""

    async def acknowledge(self) -> int | None:
        """Show that the request is being worked on; return the id of the message that shows it, if one does."""
        ...

    async def show_status(self, status: Message, buttons: AnswerButtons = NO_BUTTONS) -> None:
        """Show `status` in place of the answer until something else is shown."""
        ...

    async def show_result(
        self, text: str, files: Sequence[discord.File] = (), view: discord.ui.View | None = None
    ) -> None:
        """Show all there is to show, in place of an answer; below what there is of one."""
        ...


_DELETED: Final = (10003, 10008)
"""Discord's codes "Unknown Channel" and "Unknown Message"."""


@contextmanager
def detecting_deletion(cancellation: CancellationToken) -> Iterator[None]:
    """Cancel the answer and raise OutputDeleted where Discord doesn't know a message any more."""
    try:
        yield
    except discord.NotFound as error:
        if error.code not in _DELETED:
            raise
        cancellation.cancel(CancelReason.DELETED)
        raise OutputDeleted from error


def raise_if_deleted(cancellation: CancellationToken) -> None:
    """Do nothing unless the answer is deleted.

    Raises:
        OutputDeleted: it is.
    """
    if cancellation.reason is CancelReason.DELETED:
        raise OutputDeleted


async def repeat_once(request: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `request`; make it once more where the connection was lost, as an idle one may be.

    Only for what may be carried out twice: a connection can be lost after that.
    """
    try:
        return await request()
    except (discord.DiscordException, OutputDeleted):
        raise
    except Exception as failure:
        # discord.py lets the network's errors through, which have nothing in common.
        logger.info("request repeated", extra={"error": type(failure).__name__})
        return await request()


class RecordingOutput:
    """Shows through another output, and records it: before, where a text looks complete and isn't; else afterwards."""

    def __init__(self, output: DiscordOutput, inflight: InFlightRequest) -> None:
        self._output = output
        self._inflight = inflight

    @property
    def id(self) -> int:
        """The id of the in-flight request."""
        return self._output.id

    @property
    def cancellation(self) -> CancellationToken:
        """Cancelled where the answer is to end."""
        return self._output.cancellation

    @property
    def bucket(self) -> RateLimitBucket:
        """What is left for further requests."""
        return self._output.bucket

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        return self._output.message_ids

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Wait until a call for message `index` may be made."""
        return self._output.edit_slot(index, urgent)

    async def acknowledge(self) -> int | None:
        """Acknowledge, and record the message that shows it."""
        message_id = await self._output.acknowledge()
        if message_id is not None:
            self._inflight.set_phase(Phase.THINKING, (message_id,))
        return message_id

    async def show_status(self, status: Message, buttons: AnswerButtons = NO_BUTTONS) -> None:
        """Record that a status follows, then show it."""
        self._inflight.set_phase(Phase.WAITING)
        await self._inflight.wait_recorded()
        await self._output.show_status(status, buttons)
        self._set_phase(Phase.WAITING)

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Send or edit message `index`, and record it.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        await self._record_first_text(index, text)
        await self._output.show(index, text, buttons)
        self._set_phase(Phase.TEXT)

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file."""
        await self._record_first_text(index, text)
        await self._output.attach(index, text, filename, data, buttons)
        self._set_phase(Phase.TEXT)

    async def show_result(
        self, text: str, files: Sequence[discord.File] = (), view: discord.ui.View | None = None
    ) -> None:
        """Show all there is to show, and record that nothing follows."""
        await self._output.show_result(text, files, view)
        self._set_phase(Phase.THINKING)

    async def mark_final(self, message_count: int) -> None:
        """Record that what is shown from now on is final and comes to `message_count` messages."""
        await self._inflight.mark_final(message_count)
        await self._output.mark_final(message_count)

    async def _record_first_text(self, index: int, text: str) -> None:
        """Record that there is text, before text is shown that doesn't end with the progress marker.

        Not where a status shows: it would count as text until it is replaced.
        """
        if index == 0 and self._inflight.phase is not Phase.WAITING and not text.endswith(PROGRESS_MARKER):
            self._inflight.set_phase(Phase.TEXT)
            await self._inflight.wait_recorded()

    def _set_phase(self, phase: Phase) -> None:
        """Record what is shown, and in which messages; in the same as before where the output knows none."""
        self._inflight.set_phase(phase, self._output.message_ids or None)
