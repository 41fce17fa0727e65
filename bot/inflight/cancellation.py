"""How an answer under way is ended early by somebody else than the task that works on it."""

import asyncio
from enum import Enum, auto


class CancelReason(Enum):
    """Why an answer is to end here."""

    STOPPED = auto()
    """Somebody who may asked for it."""

    OUT_OF_TIME = auto()
    """Soon it could not be shown any more."""

    DELETED = auto()
    """Somebody has deleted what there was of it."""

    @property
    def is_by_people(self) -> bool:
        """Whether somebody wanted it to end."""
        return self is not CancelReason.OUT_OF_TIME


class CancellationToken:
    """Pulled from anywhere; the first reason counts, unless what there was is deleted after all."""

    def __init__(self) -> None:
        self._pulled = asyncio.Event()
        self.halt: CancelReason | None = None
        """Why it was pulled, if it was."""

    def pull(self, halt: CancelReason) -> None:
        """Have the answer end."""
        if self.halt is None or halt is CancelReason.DELETED:
            self.halt = halt
        self._pulled.set()

    async def pulled(self) -> None:
        """Wait until it is."""
        await self._pulled.wait()
