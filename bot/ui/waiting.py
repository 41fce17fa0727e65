"""What somebody reads in place of "thinking…" while their answer waits in line."""

import asyncio
import logging

import discord

from bot.quotas.lanes import Ticket
from bot.ui.surfaces import say_meanwhile

log = logging.getLogger(__name__)

NEXT = "You're next in line. I'll start in a moment …"


async def in_line(interaction: discord.Interaction, ticket: Ticket) -> bool:
    """Wait until it is the turn of `ticket`, and say so in the acknowledged `interaction`; return whether it waited.

    Raises:
        WaitedTooLong: the person would not get the answer any more.
        Restarting: no more answers start.
    """

    async def tell(before: int) -> None:
        # A request in flight is never cut off (FACTS: interaction webhooks): a cancellation leaves it to run out.
        editing = asyncio.create_task(_edit(interaction, _sentence(before)))
        await asyncio.wait({editing})

    return await ticket.turn(tell)


async def _edit(interaction: discord.Interaction, text: str) -> None:
    try:
        await say_meanwhile(interaction, text)
    except discord.HTTPException as failure:
        # Whoever waits goes on waiting; what they read is only a little behind.
        log.warning("place in line not shown", extra={"status": failure.status, "discord_code": failure.code})


def _sentence(before: int) -> str:
    if before == 0:
        return NEXT
    return f"You're in line, with {before} before you. I'll start when it's your turn …"
