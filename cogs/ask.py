"""/ask: a question and its streamed answer."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.conversation.question import Question
from bot.discord_ui.answer_runner import AnswerRunner
from bot.discord_ui.attachments import build_attachments
from bot.discord_ui.context import requester_of
from bot.discord_ui.tree import build_choices, build_model_choices
from bot.discord_ui.voice.speech_commands import Reciter, tell_of_silence
from bot.errors import InvalidOption
from bot.guilds.settings import GuildSettings
from bot.messages import answers as texts
from bot.model_catalog import ModelCatalog, ModelKind


class AskCog(commands.Cog):
    """Answers questions."""

    def __init__(
        self, answer_runner: AnswerRunner, settings: GuildSettings, catalog: ModelCatalog, reciter: Reciter
    ) -> None:
        self._answer_runner = answer_runner
        self._settings = settings
        self._catalog = catalog
        self._reciter = reciter

    @app_commands.command()
    @app_commands.describe(
        prompt="What you want to know",
        model="The chat model to use (default: this channel's)",
        persona="Persona to use (default: this channel's)",
        attachment="An image to look at, or a text file to read",
        private="Only you see the answer, and only your private questions can refer to it",
        fresh="Start without the earlier conversation",
        speak="Read the answer aloud in your voice channel while it is written",
    )
    async def ask(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 6000],
        model: app_commands.Range[str, 1, 100] | None = None,
        persona: app_commands.Range[str, 1, 100] | None = None,
        attachment: discord.Attachment | None = None,
        private: bool = False,
        fresh: bool = False,
        speak: bool = False,
    ) -> None:
        """Ask me anything and watch the answer appear."""
        requester = requester_of(interaction)
        if private and speak:
            raise InvalidOption("private and spoken", message=texts.private_is_not_spoken())
        speaker = await self._reciter.build_speaker(interaction, requester, prompt) if speak else None
        chosen = await self._settings.get_model(requester, ModelKind.CHAT, model)
        as_whom = await self._settings.get_persona(requester, persona)
        files = () if attachment is None else build_attachments([attachment])
        question = Question(prompt, chosen, as_whom, private=private, fresh=fresh, attachments=files)
        await self._answer_runner.answer(interaction, requester, question, speaker)
        if speaker is not None and speaker.error is not None:
            await tell_of_silence(interaction, speaker.error)

    @ask.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_model_choices(self._catalog, ModelKind.CHAT, typed)

    @ask.autocomplete("persona")
    async def _complete_persona(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_choices(await self._settings.list_persona_choices(requester_of(interaction)), typed)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    reciter = Reciter(
        bot.voice_manager, bot.audience, services.answer_speakers, services.settings, services.voice_settings
    )
    await bot.add_cog(AskCog(bot.answer_runner, services.settings, services.catalog, reciter))
