"""From a text in an interaction to its MP3, and to the voice channel of whoever asked."""

import io
import logging

import discord

from bot.concurrency_limit import ConcurrencyLimiter
from bot.context import RequestContext
from bot.discord_ui.answer_runner import wait_in_queue
from bot.discord_ui.interaction_messages import acknowledge, edit_original
from bot.discord_ui.voice.audience import VIEW, Audience, origin_of
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.playback_target import PlaybackTarget, hearing_of
from bot.errors import BotError
from bot.guilds.settings import GuildSettings
from bot.messages.render import render
from bot.model_catalog import ModelKind
from bot.speech.normalize import speakable_typed_text
from bot.speech.text_to_speech import PreparedSpeech, TextToSpeech, ToSpeakable
from bot.speech.voice_settings import MemberVoices

log = logging.getLogger(__name__)


class Speaking:
    """Has texts said in answer to interactions."""

    def __init__(
        self,
        saying: TextToSpeech,
        settings: GuildSettings,
        limiter: ConcurrencyLimiter,
        preferences: MemberVoices,
        voices: VoiceManager,
        audience: Audience,
    ) -> None:
        self._saying = saying
        self._settings = settings
        self._limiter = limiter
        self._preferences = preferences
        self._voices = voices
        self._audience = audience

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
        needs: discord.Permissions = VIEW,
        to_speakable: ToSpeakable = speakable_typed_text,
    ) -> None:
        """Answer with `text` as an MP3, and say it where the person listens, if all who do may read along.

        Args:
            voice: who says it; their own voice if left out.
            model: what says it; the channel's model if left out.
            play: whether it is said in their voice channel, to whoever is there; left out, where the bot is in it
                already and all who listen may read along.
            private: whether only they get the file.
            needs: what it takes to read along where `text` stands.
            to_speakable: returns what is said of `text`; see `TextToSpeech.prepare`.
        """
        origin = None if play else origin_of(interaction, needs)
        hearing = hearing_of(interaction, requester, self._voices, self._audience, wanted=play, origin=origin)
        chosen = await self._settings.get_model(requester, ModelKind.SPEECH, model)
        spoken_by = await self._preferences.get(requester, voice)
        prepared = await self._saying.prepare(requester, text, spoken_by.name, chosen, to_speakable=to_speakable)
        async with prepared.reservation, self._limiter.slot(requester) as slot:
            await acknowledge(interaction, private=private)
            await wait_in_queue(interaction, slot)
            await self._say(interaction, prepared, hearing, spoken_by.speed)

    async def _say(
        self, interaction: discord.Interaction, prepared: PreparedSpeech, hearing: PlaybackTarget, speed: float
    ) -> None:
        utterance, unheard = None, None
        try:
            utterance = await hearing.begin(prepared.label, speed=speed)
        except BotError as error:
            log.info("not heard", extra={"channel": interaction.channel_id, "detail": str(error)})
            unheard = error.message
        speech = await self._saying.speak(prepared, interaction.filesize_limit, utterance)
        if utterance is not None and utterance.refusal is not None:
            unheard = utterance.refusal.message
        notes = " ".join(render(note) for note in (speech.note, unheard) if note is not None)
        files = [discord.File(io.BytesIO(speech.mp3), speech.filename)] if speech.mp3 else []
        await edit_original(interaction, notes, files)
