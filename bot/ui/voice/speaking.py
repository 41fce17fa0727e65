"""From a text in an interaction to its MP3, and to the voice channel of whoever asked."""

import io
import logging

import discord

from bot.concurrency_limit import ConcurrencyLimiter
from bot.context import RequestContext
from bot.errors import BotError
from bot.guilds.settings import GuildSettings
from bot.models.allowlist import ModelKind
from bot.speech.normalize import worded
from bot.speech.text_to_speech import PreparedSpeech, TextToSpeech, Wording
from bot.speech.voice_settings import MemberVoices
from bot.ui.surfaces import acknowledge, edit_original
from bot.ui.voice.audience import VIEW, Audience, origin_of
from bot.ui.voice.hearing import Hearing, hearing_of
from bot.ui.voice.voices import Voices
from bot.ui.waiting import in_line

log = logging.getLogger(__name__)


class Speaking:
    """Has texts said in answer to interactions."""

    def __init__(
        self,
        saying: TextToSpeech,
        rules: GuildSettings,
        lanes: ConcurrencyLimiter,
        preferences: MemberVoices,
        voices: Voices,
        audience: Audience,
    ) -> None:
        self._saying = saying
        self._rules = rules
        self._lanes = lanes
        self._preferences = preferences
        self._voices = voices
        self._audience = audience

    async def say(
        self,
        interaction: discord.Interaction,
        caller: RequestContext,
        text: str,
        *,
        voice: str | None = None,
        model: str | None = None,
        play: bool | None = None,
        private: bool = False,
        needs: discord.Permissions = VIEW,
        wording: Wording = worded,
    ) -> None:
        """Answer with `text` as an MP3, and say it where the person listens, if all who do may read along.

        Args:
            voice: who says it; their own voice if left out.
            model: what says it; the channel's model if left out.
            play: whether it is said in their voice channel, to whoever is there; left out, where the bot is in it
                already and all who listen may read along.
            private: whether only they get the file.
            needs: what it takes to read along where `text` stands.
            wording: what makes of `text` that which is said of it; see `TextToSpeech.prepare`.
        """
        origin = None if play else origin_of(interaction, needs)
        hearing = hearing_of(interaction, caller, self._voices, self._audience, wanted=play, origin=origin)
        chosen = await self._rules.model_for(caller, ModelKind.SPEECH, model)
        spoken_by = await self._preferences.get(caller, voice)
        prepared = await self._saying.prepare(caller, text, spoken_by.name, chosen, wording=wording)
        async with prepared.reservation, self._lanes.ticket(caller) as ticket:
            await acknowledge(interaction, private=private)
            await in_line(interaction, ticket)
            await self._say(interaction, prepared, hearing, spoken_by.speed)

    async def _say(
        self, interaction: discord.Interaction, prepared: PreparedSpeech, hearing: Hearing, speed: float
    ) -> None:
        aloud, unheard = None, None
        try:
            aloud = await hearing.begin(prepared.label, speed=speed)
        except BotError as error:
            log.info("not heard", extra={"channel": interaction.channel_id, "detail": str(error)})
            unheard = error.sentence
        speech = await self._saying.speak(prepared, interaction.filesize_limit, aloud)
        if aloud is not None and aloud.refused is not None:
            unheard = aloud.refused.sentence
        notes = " ".join(filter(None, (speech.note, unheard)))
        files = [discord.File(io.BytesIO(speech.mp3), speech.filename)] if speech.mp3 else []
        await edit_original(interaction, notes, files)
