"""Runs the answer to an interaction, and shows the position in the queue while it waits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import discord

from bot.concurrency_limit import ConcurrencyLimiter, Slot
from bot.context import RequestContext
from bot.conversation.answering import Answering
from bot.conversation.question import Question
from bot.discord_ui.interaction_output import open_output
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.speech.answer_speech import AnswerSpeaker

logger = logging.getLogger(__name__)


async def wait_for_slot(show: Callable[[Message], Awaitable[None]], slot: Slot) -> bool:
    """Wait until it is the turn of `slot`; `show` puts a notice in place of the answer. Return whether it waited.

    Raises:
        QueueTimeout: the person would not get the answer any more.
        ShuttingDown: no more answers start.
    """

    async def tell(position: int) -> None:
        # A request in flight is never cut off (FACTS: interaction webhooks): a cancellation leaves it to run out.
        showing = asyncio.create_task(_try_to_show(show, _describe_position(position)))
        await asyncio.wait({showing})

    return await slot.wait(tell)


async def _try_to_show(show: Callable[[Message], Awaitable[None]], notice: Message) -> None:
    try:
        await show(notice)
    except discord.HTTPException as failure:
        # The request keeps waiting; only the notice is outdated.
        logger.warning("queue notice not shown", extra={"status": failure.status, "discord_code": failure.code})


def _describe_position(position: int) -> Message:
    return texts.position_in_queue(position) if position else texts.next_in_queue()


class AnswerRunner:
    """Answers interactions."""

    def __init__(self, answering: Answering, limiter: ConcurrencyLimiter, buckets: RateLimitBuckets) -> None:
        self._answering = answering
        self._limiter = limiter
        self._buckets = buckets

    async def answer(
        self,
        interaction: discord.Interaction,
        requester: RequestContext,
        question: Question,
        speaker: AnswerSpeaker | None = None,
    ) -> None:
        """Answer `question` in a new message, private where the question is; `speaker` says it aloud meanwhile."""
        prepared = await self._answering.prepare(requester, question)
        async with prepared.reservation, speaker or nullcontext(), self._limiter.slot(requester) as slot:
            output = open_output(interaction, self._buckets, private=question.private)
            await output.acknowledge()
            if await wait_for_slot(output.show_status, slot):
                prepared = await self._answering.drop_deleted(prepared)
            await self._answering.answer(prepared, output, speaker)
