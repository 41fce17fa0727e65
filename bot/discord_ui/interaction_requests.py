"""Runs the requests of commands, buttons and modals: where they are acknowledged, and where their errors show."""

from contextlib import AbstractAsyncContextManager, nullcontext

import discord

from bot.context import RequestContext
from bot.conversation.answering import Answering, AnswerVoice
from bot.conversation.question import Question
from bot.discord_ui import error_messages
from bot.discord_ui.discord_output import DiscordOutput
from bot.discord_ui.interaction_output import open_output
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.messages.message import Message
from bot.request_runner import RequestEnd, RequestRunner, UseCase


class InteractionResponder:
    """Answers one interaction. Made by `InteractionRequests.open`."""

    def __init__(self, interaction: discord.Interaction, output: DiscordOutput) -> None:
        self.output = output
        self.message_id: int | None = None
        """The message that shows the acknowledgement, and later the result; known once it is there."""
        self._interaction = interaction

    @property
    def upload_limit(self) -> int:
        """The most bytes that a file may have there."""
        return self._interaction.filesize_limit

    async def acknowledge(self) -> None:
        """Show "thinking…"."""
        self.message_id = await self.output.acknowledge()

    async def show_status(self, status: Message) -> None:
        """Show `status` in place of "thinking…"."""
        await self.output.show_status(status)

    def working(self) -> AbstractAsyncContextManager[None]:
        """Do nothing: it shows "thinking…" already."""
        return nullcontext()

    async def show_error(self, error: Exception) -> None:
        """Show a sentence: privately if not acknowledged, else in place of "thinking…" or below an answer's text."""
        has_text = bool(self.output.message_ids)
        await error_messages.show(self._interaction, error, self.output.show_result if has_text else None)


class InteractionRequests:
    """Runs requests that came as interactions."""

    def __init__(self, runner: RequestRunner, answering: Answering, buckets: RateLimitBuckets) -> None:
        self._runner = runner
        self._answering = answering
        self._buckets = buckets

    def open(self, interaction: discord.Interaction, *, private: bool = False) -> InteractionResponder:
        """Return where the result shows: in a new message, to the member only if `private`."""
        return InteractionResponder(interaction, open_output(interaction, self._buckets, private=private))

    async def run(self, use_case: UseCase, responder: InteractionResponder) -> RequestEnd:
        """Run a request to its end; an error is shown."""
        return await self._runner.run(use_case, responder)

    async def answer(
        self,
        interaction: discord.Interaction,
        requester: RequestContext,
        question: Question,
        voice: AnswerVoice | None = None,
    ) -> RequestEnd:
        """Answer `question`, privately where the question is; `voice` says the answer aloud meanwhile."""
        responder = self.open(interaction, private=question.private)
        return await self.run(self._answering.answer(requester, question, responder.output, voice), responder)
