"""What somebody reads in place of "thinking…" while their answer waits in line."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import discord

from bot.concurrency_limit import Slot
from bot.ui.surfaces import say_meanwhile

log = logging.getLogger(__name__)

NEXT = "You're next in line. I'll start in a moment …"


async def in_line(interaction: discord.Interaction, ticket: Slot) -> bool:
    """Wait until it is the turn of `ticket`, and say so in the acknowledged `interaction`; return whether it waited.

    Raises:
        QueueTimeout: the person would not get the answer any more.
        ShuttingDown: no more answers start.
    """
    return await told_in_line(partial(say_meanwhile, interaction), ticket)


async def told_in_line(say: Callable[[str], Awaitable[None]], ticket: Slot) -> bool:
    """Do as `in_line` does, where `say` puts a text in place of the answer."""

    async def tell(before: int) -> None:
        # A request in flight is never cut off (FACTS: interaction webhooks): a cancellation leaves it to run out.
        saying = asyncio.create_task(_try(say, _sentence(before)))
        await asyncio.wait({saying})

    return await ticket.turn(tell)


async def _try(say: Callable[[str], Awaitable[None]], text: str) -> None:
    try:
        await say(text)
    except discord.HTTPException as failure:
        # Whoever waits goes on waiting; what they read is only a little behind.
        log.warning("place in line not shown", extra={"status": failure.status, "discord_code": failure.code})


def _sentence(before: int) -> str:
    if before == 0:
        return NEXT
    return f"You're in line, with {before} before you. I'll start when it's your turn …"
