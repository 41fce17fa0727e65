"""Where an answer shows: the ports behind which Discord is."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class Action(StrEnum):
    """What a button under an answer does."""

    STOP = "stop"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    READ = "read"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class AnswerButtons:
    """The buttons under one message, in their order, and the id of what they act on."""

    actions: tuple[Action, ...] = ()
    target_id: int = 0


NO_BUTTONS: Final = AnswerButtons()


class RateLimitBucket(Protocol):
    """What is left of the request bucket that a surface's calls are counted in."""

    def remaining(self) -> int | None:
        """Requests that may be sent now; None while nothing is known, and again once the bucket has refilled."""
        ...

    def reset_after_s(self) -> float:
        """Seconds until the bucket is full again; 0 when that is past or unknown."""
        ...

    @property
    def responded_at(self) -> float | None:
        """When the newest answer came, in seconds of a monotonic clock; None where nobody knows."""
        ...


class OutputDeleted(Exception):
    """An answer's message, or all of the place where it stood, has been deleted."""


class AnswerOutput(Protocol):
    """The messages of one answer, counted from 0.

    The streamer makes one call at a time, waits for its end and never cancels it. A call that returns has been applied.
    One that raises may or may not have been; it is made again with the newest text, unless it raises `OutputDeleted`.

    Each call says which buttons stand under the message from then on.
    """

    @property
    def bucket(self) -> RateLimitBucket:
        """The bucket that these calls draw from."""
        ...

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Wait until it is this answer's turn to make a call for message `index`, which is made within the block.

        Others may want to write to the same place. Once `urgent` is set they are not given way to for longer than need
        be.
        """
        ...

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Send message `index` (the number sent so far), or replace the text of one that is there.

        `text` has 1 to 2,000 code points. It or `buttons` is not what the message shows already. A file that the
        message bore stays.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        ...

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file."""
        ...

    async def show_status(self, text: str, buttons: AnswerButtons) -> None:
        """Let `text` stand where the answer will be, until message 0 is shown. Only before the first message."""
        ...

    async def mark_final(self, message_count: int) -> None:
        """Take note that what is shown from here on is final, and comes to `messages` messages. Never raises."""
        ...


class AnswerObserver(Protocol):
    """Gets an answer's text as it comes, beside the surface. No call waits."""

    def on_text(self, text: str) -> None:
        """Take the next piece of the answer."""
        ...

    def on_complete(self) -> None:
        """Take note that the answer is complete. Not called for one that ends early, for whatever reason."""
        ...

    def on_cancelled(self) -> None:
        """Take note that people ended the answer."""
        ...
