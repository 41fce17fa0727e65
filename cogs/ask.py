"""/ask: a question and its streamed answer."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.context import RequestContext
from bot.conversation.question import Question
from bot.discord_ui import error_messages
from bot.discord_ui.attachments import build_attachments
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_requests import InteractionRequests
from bot.discord_ui.tree import build_choices, build_model_choices
from bot.discord_ui.voice.audience import VIEW, Audience, build_origin
from bot.discord_ui.voice.listener_access import resolve_playback_target
from bot.discord_ui.voice.manager import VoiceManager
from bot.errors import InvalidOption
from bot.guilds.settings import GuildSettings
from bot.messages import answers as texts
from bot.messages import speech as speech_texts
from bot.model_catalog import ModelCatalog, ModelKind
from bot.request_runner import Shows
from bot.speech.answer_speech import AnswerSpeaker, AnswerSpeakers
from bot.speech.utterance import Label, Utterance
from bot.speech.voice_settings import MemberVoices


class AskCog(commands.Cog):
    """Answers questions."""

    def __init__(
        self,
        requests: InteractionRequests,
        settings: GuildSettings,
        catalog: ModelCatalog,
        speakers: "ListenerSpeakers",
    ) -> None:
        self._requests = requests
        self._settings = settings
        self._catalog = catalog
        self._speakers = speakers

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
        speaker = await self._speakers.build(interaction, requester, prompt) if speak else None
        chosen = await self._settings.get_chat_settings(requester, model=model, persona=persona)
        files = () if attachment is None else build_attachments([attachment])
        question = Question(prompt, chosen.model, chosen.persona, private=private, fresh=fresh, attachments=files)
        end = await self._requests.answer(interaction, requester, question, speaker)
        if end.shows is not Shows.SENTENCE and speaker is not None and speaker.error is not None:
            # The answer is there to be read.
            await error_messages.notify_privately(interaction, speech_texts.answer_not_spoken(speaker.error.message))

    @ask.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_model_choices(self._catalog, ModelKind.CHAT, typed)

    @ask.autocomplete("persona")
    async def _complete_persona(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return build_choices(await self._settings.list_persona_choices(requester_of(interaction)), typed)


class ListenerSpeakers:
    """Builds the speakers of answers that are heard in the voice channel of the member who asks."""

    def __init__(
        self,
        voice_manager: VoiceManager,
        audience: Audience,
        answer_speakers: AnswerSpeakers,
        settings: GuildSettings,
        voice_settings: MemberVoices,
    ) -> None:
        self._voice_manager = voice_manager
        self._audience = audience
        self._answer_speakers = answer_speakers
        self._settings = settings
        self._voice_settings = voice_settings

    async def build(self, interaction: discord.Interaction, requester: RequestContext, question: str) -> AnswerSpeaker:
        """Build the speaker of the answer to `question`.

        The answer is spoken while all who listen may view the channel where it is written.

        Raises:
            UserError: they may not, or it cannot be spoken there.
            StoreUnavailable: the store cannot be used just now.
        """
        origin = build_origin(interaction, VIEW)
        target = resolve_playback_target(
            interaction, requester, self._voice_manager, self._audience, wanted=True, origin=origin
        )
        model = await self._settings.get_model(requester, ModelKind.SPEECH, None)
        voice = await self._voice_settings.get(requester)
        label = Label(requester.user_id, requester.name, question, channel_id=requester.channel_id)

        async def start_utterance() -> Utterance | None:
            return await target.enqueue(label, speed=voice.speed)

        return await self._answer_speakers.build(requester, start_utterance, voice, model)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    speakers = ListenerSpeakers(
        bot.voice_manager, bot.audience, services.answer_speakers, services.settings, services.voice_settings
    )
    await bot.add_cog(AskCog(bot.requests, services.settings, services.catalog, speakers))
