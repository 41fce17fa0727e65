"""Cancellation tokens: how other tasks end an answer early."""

import asyncio
from enum import Enum, auto


class CancelReason(Enum):
    """Why an answer ends early."""

    STOPPED = auto()
    """A user who may do so asked for it."""

    OUT_OF_TIME = auto()
    """Discord would soon not show it any more."""

    DELETED = auto()
    """Its messages, or its channel, were deleted."""

    @property
    def is_by_user(self) -> bool:
        """Whether a user caused it."""
        return self is not CancelReason.OUT_OF_TIME


class CancellationToken:
    """Cancels one answer, from any task. The first reason counts, but a deletion replaces it."""

    def __init__(self) -> None:
        self._cancelled = asyncio.Event()
        self.reason: CancelReason | None = None
        """Why it was cancelled; None while it is not."""

    def cancel(self, reason: CancelReason) -> None:
        """Have the answer end."""
        if self.reason is None or reason is CancelReason.DELETED:
            self.reason = reason
        self._cancelled.set()

    async def wait(self) -> None:
        """Wait until the token is cancelled."""
        await self._cancelled.wait()
