"""The buttons under answers: what each of them does when it is pressed."""

import discord
from discord.ext import commands

from bot.client import Bot
from bot.conversation.question import Question
from bot.discord_ui.answer_buttons_view import name_of
from bot.discord_ui.answer_runner import AnswerRunner
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.context import requester_of
from bot.discord_ui.message_deletion import check_pressed, dispose
from bot.discord_ui.regenerate_inputs import recollected
from bot.discord_ui.voice.audience import READ_BACK
from bot.discord_ui.voice.speech_commands import Speaking
from bot.errors import TurnNotFound, UserError
from bot.guilds.settings import GuildSettings
from bot.history.history import TurnLookup
from bot.inflight.cancellation_watcher import CancellationWatcher
from bot.messages.message import plain
from bot.models.allowlist import ModelKind
from bot.speech.sentence_stream import aloud
from bot.streaming.output import Action


class Over(UserError):
    """There is nothing left to stop."""

    message = plain("That answer has ended already.")


class Controls(commands.Cog):
    """Does what is asked for by buttons, each time with the rights and limits of whoever presses them."""

    def __init__(
        self,
        buttons: ButtonRouter,
        halting: CancellationWatcher,
        revisits: TurnLookup,
        asking: AnswerRunner,
        rules: GuildSettings,
        speaking: Speaking,
    ) -> None:
        self._halting = halting
        self._revisits = revisits
        self._asking = asking
        self._rules = rules
        self._speaking = speaking
        buttons.on(name_of(Action.STOP), self._stop, reads=True)
        buttons.on(name_of(Action.REGENERATE), self._regenerate)
        buttons.on(name_of(Action.CONTINUE), self._continue)
        buttons.on(name_of(Action.READ), self._read)
        buttons.on(name_of(Action.DELETE), self._delete)

    async def _stop(self, interaction: discord.Interaction, answer_id: int) -> None:
        requester = requester_of(interaction)
        if not await self._halting.stop(requester, answer_id):
            raise Over(f"answer {answer_id}")
        await interaction.response.defer()

    async def _regenerate(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        turn = await self._revisits.turn(requester, turn_id)
        model = await self._rules.model_for(requester, ModelKind.CHAT, None)
        persona = await self._rules.persona_for(requester)
        question = Question.anew(turn, model, persona, *await recollected(interaction, turn))
        await self._asking.answer(interaction, requester, question)

    async def _continue(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        turn = await self._revisits.turn(requester, turn_id)
        model = await self._rules.model_for(requester, ModelKind.CHAT, None)
        question = Question.going_on(turn, model, await self._rules.persona_for(requester))
        await self._asking.answer(interaction, requester, question)

    async def _read(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        turn = await self._revisits.turn(requester, turn_id)
        play = False if turn.private else None  # what only they see is for nobody else to hear
        await self._speaking.say(
            interaction, requester, turn.answer, play=play, private=True, needs=READ_BACK, wording=aloud
        )

    async def _delete(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        message_ids: tuple[int, ...] = ()
        try:
            turn = await self._revisits.turn(requester, turn_id)
        except TurnNotFound:
            check_pressed(requester, interaction, ())
        else:
            check_pressed(requester, interaction, turn.answer_message_ids)
            message_ids = () if turn.private else turn.answer_message_ids
            await self._revisits.forget(turn)
        await dispose(interaction, message_ids)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        Controls(
            bot.buttons,
            services.inflight.halting,
            services.turn_lookup,
            bot.answer_runner,
            services.settings,
            bot.speech_commands,
        )
    )
