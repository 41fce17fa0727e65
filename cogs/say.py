"""/say: a text as a spoken MP3, and aloud in a voice channel."""

import io
import logging

import discord
from discord import app_commands
from discord.ext import commands

from bot.catalogue import Catalogue, ModelKind
from bot.client import Bot
from bot.errors import BotError
from bot.guilds.rules import GuildRules
from bot.quotas.lanes import Lanes
from bot.speech.preferences import VoicePreferences
from bot.speech.saying import PreparedSpeech, Saying
from bot.speech.voices import VOICES
from bot.ui import choices
from bot.ui.callers import caller_of
from bot.ui.surfaces import acknowledge, edit_original
from bot.ui.voice.hearing import Hearing, hearing_of
from bot.ui.voice.voices import Voices
from bot.ui.waiting import in_line

log = logging.getLogger(__name__)


class Say(commands.Cog):
    """Says texts aloud."""

    def __init__(
        self,
        saying: Saying,
        rules: GuildRules,
        catalogue: Catalogue,
        lanes: Lanes,
        preferences: VoicePreferences,
        voices: Voices,
    ) -> None:
        self._saying = saying
        self._rules = rules
        self._catalogue = catalogue
        self._lanes = lanes
        self._preferences = preferences
        self._voices = voices

    @app_commands.command()
    @app_commands.describe(
        text="What to say",
        voice="Who should say it; your own voice if left out",
        model="Which model should speak; this channel's if left out",
        play="Say it in your voice channel too; left out, I do where I'm in it already",
    )
    async def say(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, 6000],
        voice: app_commands.Range[str, 1, 64] | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        play: bool | None = None,
    ) -> None:
        """Have something said aloud, as an MP3 and in your voice channel."""
        caller = caller_of(interaction)
        hearing = hearing_of(interaction, caller, self._voices, wanted=play)
        chosen = await self._rules.model_for(caller, ModelKind.SPEECH, model)
        spoken_by = await self._preferences.get(caller, voice)
        prepared = await self._saying.prepare(caller, text, spoken_by.name, chosen)
        async with prepared.reservation, self._lanes.ticket(caller) as ticket:
            await acknowledge(interaction)
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
        notes = " ".join(filter(None, (speech.note, unheard)))
        files = [discord.File(io.BytesIO(speech.mp3), speech.filename)] if speech.mp3 else []
        await edit_original(interaction, notes, files)

    @say.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return choices.models(self._catalogue, ModelKind.SPEECH, typed)

    @say.autocomplete("voice")
    async def _complete_voice(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return choices.offer(VOICES, typed)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        Say(services.saying, services.rules, services.catalogue, services.lanes, services.preferences, bot.voices)
    )
