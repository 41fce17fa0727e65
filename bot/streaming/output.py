"""The ports between an answer and what shows or observes it; Discord is behind them."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from bot.messages.message import Message


class Action(StrEnum):
    """What a button below an answer does."""

    STOP = "stop"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    READ = "read"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class AnswerButtons:
    """The buttons below one message, in their order, and the id of what they act on."""

    actions: tuple[Action, ...] = ()
    target_id: int = 0


NO_BUTTONS: Final = AnswerButtons()


class RateLimitBucket(Protocol):
    """The state of the rate-limit bucket that an output's requests count in, from Discord's response headers."""

    def remaining(self) -> int | None:
        """Return how many requests may be sent now; None while that is unknown, as it is after a reset."""
        ...

    def reset_after_s(self) -> float:
        """Return the seconds until the bucket is full again; 0 when that is past or unknown."""
        ...

    @property
    def responded_at(self) -> float | None:
        """When the newest response came, in seconds of a monotonic clock; None if unknown."""
        ...


class OutputDeleted(Exception):
    """An answer's message or its channel has been deleted."""


class AnswerOutput(Protocol):
    """The messages of one answer, counted from 0.

    The wall between streaming and Discord. `MessageStreamer` makes one call at a time, waits for its end and never
    cancels it. A call that returns has been applied. One that raises may or may not have been; it is made again with
    the newest text, unless it raises `OutputDeleted`. The buttons of a call replace those that the message had.
    """

    @property
    def bucket(self) -> RateLimitBucket:
        """The bucket that these calls count in."""
        ...

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Wait until a call for message `index` may be made; make it within the block.

        Other answers may share the bucket. Once `urgent` is set, the call waits no longer than the bucket demands.
        """
        ...

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Send message `index` (if that is the number sent so far), or replace the text of a message sent before.

        `text` has 1 to 2,000 code points. It or `buttons` is not what the message shows already. The message's file
        stays.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        ...

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file."""
        ...

    async def show_status(self, status: Message, buttons: AnswerButtons) -> None:
        """Show `status` in place of the answer until message 0 is shown. Only before the first message."""
        ...

    async def mark_final(self, message_count: int) -> None:
        """Record that what is shown from now on is final and comes to `message_count` messages. Never raises."""
        ...


class AnswerObserver(Protocol):
    """Gets an answer's text as it streams, beside the output. No call waits. The wall between answers and speech."""

    def on_text(self, text: str) -> None:
        """Add the next delta of the answer."""
        ...

    def on_complete(self) -> None:
        """Handle the end of a complete answer. Not called for one that ends early, for whatever reason."""
        ...

    def on_cancelled(self) -> None:
        """Handle that a user stopped or deleted the answer."""
        ...
