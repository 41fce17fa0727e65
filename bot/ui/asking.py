"""From a question in an interaction to its answer: wait in line, and show it while it is being written."""

from contextlib import nullcontext

import discord

from bot.concurrency_limit import ConcurrencyLimiter
from bot.context import RequestContext
from bot.conversation.answering import Answering
from bot.conversation.question import Question
from bot.speech.answer_speech import AnswerSpeaker
from bot.ui.rooms import Rooms
from bot.ui.surfaces import InteractionSurface, acknowledge
from bot.ui.waiting import in_line


class Asking:
    """Answers interactions."""

    def __init__(self, answering: Answering, lanes: ConcurrencyLimiter, rooms: Rooms) -> None:
        self._answering = answering
        self._lanes = lanes
        self._rooms = rooms

    async def answer(
        self,
        interaction: discord.Interaction,
        caller: RequestContext,
        question: Question,
        recital: AnswerSpeaker | None = None,
    ) -> None:
        """Answer `question` in a new message, private where the question is; `recital` says it aloud meanwhile."""
        prepared = await self._answering.prepare(caller, question)
        async with prepared.reservation, recital or nullcontext(), self._lanes.ticket(caller) as ticket:
            await acknowledge(interaction, private=question.private)
            if await in_line(interaction, ticket):
                prepared = await self._answering.without_deleted(prepared)
            room = self._rooms.of(interaction.token)
            surface = InteractionSurface(interaction, room, private=question.private)
            await self._answering.answer(prepared, surface, recital)
