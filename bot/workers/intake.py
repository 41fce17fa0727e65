"""All that takes in bytes of others, with the limits that hold for the whole process."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from bot.workers.fair_limit import FairLimit
from bot.workers.pool import Workers

_FILES_AT_ONCE = 4
_FILES_AT_ONCE_EACH = 2


class Intake:
    """The workers for files and for sound, and the limit on files that are held in memory at once.

    Sound has workers of its own: somebody's pictures should not hold up what others want to hear.
    """

    def __init__(self) -> None:
        self.files = Workers()
        self.sounds = Workers()
        self.downloads = FairLimit(_FILES_AT_ONCE, each=_FILES_AT_ONCE_EACH)
        """Held from before a member's file is fetched until it has been read: so many times 20 MiB at most."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.files)
        await self._stack.enter_async_context(self.sounds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._stack.aclose()
