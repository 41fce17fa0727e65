"""Speaks a text for an interaction: as an MP3, and in the requester's voice channel."""

import io
import logging

import discord

from bot.concurrency_limit import ConcurrencyLimiter
from bot.context import RequestContext
from bot.discord_ui.answer_runner import wait_for_slot
from bot.discord_ui.interaction_output import open_output
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.discord_ui.recording_output import DiscordOutput
from bot.discord_ui.voice.audience import VIEW, Audience, build_origin
from bot.discord_ui.voice.listener_access import PlaybackTarget, resolve_playback_target
from bot.discord_ui.voice.manager import VoiceManager
from bot.errors import BotError
from bot.guilds.settings import GuildSettings
from bot.messages.render import render
from bot.model_catalog import ModelKind
from bot.speech.normalize import speakable_typed_text
from bot.speech.text_to_speech import PreparedSpeech, TextToSpeech, ToSpeakable
from bot.speech.voice_settings import MemberVoices

logger = logging.getLogger(__name__)


class SpeechCommands:
    """Speaks texts in response to interactions."""

    def __init__(
        self,
        text_to_speech: TextToSpeech,
        settings: GuildSettings,
        limiter: ConcurrencyLimiter,
        voice_settings: MemberVoices,
        voice_manager: VoiceManager,
        audience: Audience,
        buckets: RateLimitBuckets,
    ) -> None:
        self._text_to_speech = text_to_speech
        self._settings = settings
        self._limiter = limiter
        self._voice_settings = voice_settings
        self._voice_manager = voice_manager
        self._audience = audience
        self._buckets = buckets

    async def say(
        self,
        interaction: discord.Interaction,
        requester: RequestContext,
        text: str,
        *,
        voice: str | None = None,
        model: str | None = None,
        play: bool | None = None,
        private: bool = False,
        required: discord.Permissions = VIEW,
        to_speakable: ToSpeakable = speakable_typed_text,
    ) -> None:
        """Respond with `text` as an MP3, and play it where the requester listens.

        Args:
            voice: the voice; their own if left out.
            model: the speech model; the channel's if left out.
            play: whether to play it in their voice channel, for all who listen; None: only if the bot is in it already,
                and all who listen may read `text`.
            private: whether only they get the file.
            required: the permissions to read `text` where it is.
            to_speakable: returns what is said of `text`; see `TextToSpeech.prepare`.
        """
        origin = None if play else build_origin(interaction, required)
        target = resolve_playback_target(
            interaction, requester, self._voice_manager, self._audience, wanted=play, origin=origin
        )
        model = await self._settings.get_model(requester, ModelKind.SPEECH, model)
        settings = await self._voice_settings.get(requester, voice)
        prepared = await self._text_to_speech.prepare(requester, text, settings.name, model, to_speakable=to_speakable)
        async with prepared.reservation, self._limiter.slot(requester) as slot:
            output = open_output(interaction, self._buckets, private=private)
            await output.acknowledge()
            await wait_for_slot(output.show_status, slot)
            await self._say(interaction, output, prepared, target, settings.speed)

    async def _say(
        self,
        interaction: discord.Interaction,
        output: DiscordOutput,
        prepared: PreparedSpeech,
        target: PlaybackTarget,
        speed: float,
    ) -> None:
        utterance, refusal = None, None
        try:
            utterance = await target.enqueue(prepared.label, speed=speed)
        except BotError as error:
            logger.info("voice playback refused", extra={"channel": interaction.channel_id, "detail": str(error)})
            refusal = error.message
        speech = await self._text_to_speech.speak(prepared, interaction.filesize_limit, utterance)
        if utterance is not None and utterance.refusal is not None:
            refusal = utterance.refusal.message
        notes = " ".join(render(note) for note in (speech.note, refusal) if note is not None)
        files = [discord.File(io.BytesIO(speech.mp3), speech.filename)] if speech.mp3 else []
        await output.show_result(notes, files)
