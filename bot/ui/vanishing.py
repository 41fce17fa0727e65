"""What is done about an answer whose messages somebody deletes while it is being written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import discord

from bot.inflight.cancellation import CancellationToken, CancelReason
from bot.streaming.output import OutputDeleted

UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_MESSAGE: Final = 10008


@contextmanager
def vanishing(brake: CancellationToken) -> Iterator[None]:
    """Pull the brake where Discord doesn't know a message any more, and say that it has vanished."""
    try:
        yield
    except discord.NotFound as error:
        if error.code not in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE):
            raise
        brake.pull(CancelReason.DELETED)
        raise OutputDeleted from error


def check_there(brake: CancellationToken) -> None:
    """Do nothing unless the answer is deleted.

    Raises:
        OutputDeleted: it is.
    """
    if brake.halt is CancelReason.DELETED:
        raise OutputDeleted
