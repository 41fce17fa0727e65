"""The buttons under answers: what each of them does when it is pressed."""

import logging

import discord
from discord.ext import commands

from bot.client import Bot
from bot.conversation import attachments
from bot.conversation.attachments import Attachment
from bot.conversation.prompt import QuotedMessage
from bot.conversation.question import Question
from bot.discord_ui.attachments import build_attachments
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.components import button_name
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_requests import InteractionRequests
from bot.discord_ui.message_triggers import build_quoted_message
from bot.discord_ui.sent_messages import check_can_delete, delete_messages
from bot.discord_ui.voice.audience import READ_BACK
from bot.discord_ui.voice.speech_commands import SpeechCommands
from bot.errors import TurnNotFound, UserError
from bot.guilds.settings import GuildSettings
from bot.history.history import History
from bot.inflight.cancellation import CancellationWatcher
from bot.messages import answers as texts
from bot.speech.sentence_stream import speakable_markdown
from bot.store.turns import Turn
from bot.streaming.output import Action

logger = logging.getLogger(__name__)


class InputsUnavailable(UserError):
    """A question was about something that cannot be had any more."""

    message = texts.regenerate_inputs_unavailable()


async def load_regenerate_inputs(
    interaction: discord.Interaction, turn: Turn
) -> tuple[QuotedMessage | None, tuple[Attachment, ...]]:
    """Return the message that a turn's question was about, and the files that came with it.

    Raises:
        InputsUnavailable: not all of that can be had.
    """
    if not turn.files and turn.about_message_id is None:
        return None, ()
    question = await _fetch_message(interaction, turn.question_message_id)
    about = await _load_about(interaction, turn, question)
    quoted = None if about is None else build_quoted_message(about)
    if quoted is None and about is not None and about.attachments:
        quoted = QuotedMessage(about.id, about.author.display_name, "")
    source = question or about  # a context menu's question is no message: its files are those of the other
    files = () if source is None else attachments.select_usable(build_attachments(source.attachments))
    if tuple(each.name for each in files) != turn.files or (quoted is None) != (turn.about_message_id is None):
        raise InputsUnavailable(f"turn {turn.id}")
    return quoted, files


async def _load_about(
    interaction: discord.Interaction, turn: Turn, question: discord.Message | None
) -> discord.Message | None:
    """Return the message that a turn's question was about, as Discord sends it along with the question or fetched."""
    if turn.about_message_id is None:
        return None
    replied = None if question is None or question.reference is None else question.reference.resolved
    if isinstance(replied, discord.Message) and replied.id == turn.about_message_id:
        return replied
    return await _fetch_message(interaction, turn.about_message_id)


async def _fetch_message(interaction: discord.Interaction, message_id: int | None) -> discord.Message | None:
    """Fetch a message of the channel, as far as the bot may read it."""
    if message_id is None or interaction.channel_id is None:
        return None
    channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
    try:
        return await channel.fetch_message(message_id)
    except discord.HTTPException as failure:
        logger.info("message not fetched", extra={"channel": channel.id, "status": failure.status})
        return None
    except Exception as failure:
        # discord.py lets the network's errors through, which have nothing in common.
        logger.info("message not fetched", extra={"channel": channel.id, "error": type(failure).__name__})
        return None


class AnswerEnded(UserError):
    """The answer has ended already."""

    message = texts.already_ended()


class AnswerButtonsCog(commands.Cog):
    """Handles the buttons under answers, with the permissions and limits of the member who presses them."""

    def __init__(
        self,
        buttons: ButtonRouter,
        watcher: CancellationWatcher,
        history: History,
        requests: InteractionRequests,
        settings: GuildSettings,
        speech_commands: SpeechCommands,
    ) -> None:
        self._watcher = watcher
        self._history = history
        self._requests = requests
        self._settings = settings
        self._speech_commands = speech_commands
        buttons.register(button_name(Action.STOP), self._stop, reads=True)
        buttons.register(button_name(Action.REGENERATE), self._regenerate)
        buttons.register(button_name(Action.CONTINUE), self._continue)
        buttons.register(button_name(Action.READ), self._read)
        buttons.register(button_name(Action.DELETE), self._delete)

    async def _stop(self, interaction: discord.Interaction, answer_id: int) -> None:
        requester = requester_of(interaction)
        if not await self._watcher.stop(requester, answer_id):
            raise AnswerEnded(f"answer {answer_id}")
        await interaction.response.defer()

    async def _regenerate(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        turn = await self._history.get_turn_for(requester, turn_id)
        chosen = await self._settings.get_chat_settings(requester)
        inputs = await load_regenerate_inputs(interaction, turn)
        question = Question.regenerate(turn, chosen.model, chosen.persona, *inputs)
        await self._requests.answer(interaction, requester, question)

    async def _continue(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        turn = await self._history.get_turn_for(requester, turn_id)
        chosen = await self._settings.get_chat_settings(requester)
        question = Question.continue_(turn, chosen.model, chosen.persona)
        await self._requests.answer(interaction, requester, question)

    async def _read(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        turn = await self._history.get_turn_for(requester, turn_id)
        play = False if turn.private else None  # an ephemeral answer is not played to others
        await self._speech_commands.say(
            interaction,
            requester,
            turn.answer,
            play=play,
            private=True,
            required=READ_BACK,
            to_speakable=speakable_markdown,
        )

    async def _delete(self, interaction: discord.Interaction, turn_id: int) -> None:
        requester = requester_of(interaction)
        message_ids: tuple[int, ...] = ()
        try:
            turn = await self._history.get_turn_for(requester, turn_id)
        except TurnNotFound:
            check_can_delete(requester, interaction, ())
        else:
            check_can_delete(requester, interaction, turn.answer_message_ids)
            message_ids = () if turn.private else turn.answer_message_ids
            await self._history.delete_turn(turn)
        await delete_messages(interaction, message_ids)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        AnswerButtonsCog(
            bot.buttons,
            services.inflight.watcher,
            services.history,
            bot.requests,
            services.settings,
            bot.speech_commands,
        )
    )
