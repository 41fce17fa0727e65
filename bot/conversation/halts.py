"""What becomes of an answer whose brake is pulled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from bot.conversation.endings import Ending
from bot.errors import BotError
from bot.inflight.cancellation import CancellationToken, CancelReason

STOPPED: Final = Ending("stopped", "I was asked to stop here.")
OUT_OF_TIME: Final = Ending(
    "timed", "Discord gives me 14 minutes for an answer, so I had to stop here. `Continue` goes on."
)
DELETED: Final = Ending("deleted")
_BY_HALT: Final = {CancelReason.STOPPED: STOPPED, CancelReason.OUT_OF_TIME: OUT_OF_TIME, CancelReason.DELETED: DELETED}

_BEFORE_A_WORD: Final = {
    CancelReason.STOPPED: "I was stopped before I had said anything.",
    CancelReason.OUT_OF_TIME: (
        "The model thought for 14 minutes without a word, and I can't wait longer. Please try again."
    ),
    CancelReason.DELETED: "What was there of the answer has been deleted.",
}


class Halted(BotError):
    """An answer was ended before its first word."""

    def __init__(self, halt: CancelReason) -> None:
        super().__init__(f"halted: {halt.name}", sentence=_BEFORE_A_WORD[halt])


def halted_by(halt: CancelReason) -> Ending:
    """Tell how an answer with words in it ended."""
    return _BY_HALT[halt]


async def unless_halted(
    brake: CancellationToken, work: Coroutine[Any, Any, None]
) -> CancelReason | None:  # Any: what it sends and is sent
    """Do `work` to its end, or until the brake is pulled: then it is cancelled, and this tells why."""
    if brake.halt is not None:
        work.close()
        return brake.halt
    working = asyncio.create_task(work)
    halting = asyncio.create_task(brake.pulled())
    try:
        await asyncio.wait({working, halting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        halting.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    if working.cancelled():
        return brake.halt
    working.result()
    return None
