"""From "speak the answer, please" to a listener that does it in the voice channel of whoever asked."""

import discord

from bot.context import RequestContext
from bot.errors import BotError
from bot.guilds.settings import GuildSettings
from bot.models.allowlist import ModelKind
from bot.speech.answer_speech import AnswerSpeaker, AnswerSpeakers
from bot.speech.utterance import Label, Utterance
from bot.speech.voice_settings import MemberVoices
from bot.ui.voice.audience import VIEW, Audience, origin_of
from bot.ui.voice.hearing import hearing_of
from bot.ui.voice.voices import Voices


class Reciter:
    """Prepares recitals of answers."""

    def __init__(
        self,
        voices: Voices,
        audience: Audience,
        reciting: AnswerSpeakers,
        rules: GuildSettings,
        preferences: MemberVoices,
    ) -> None:
        self._voices = voices
        self._audience = audience
        self._reciting = reciting
        self._rules = rules
        self._preferences = preferences

    async def recital(self, interaction: discord.Interaction, caller: RequestContext, question: str) -> AnswerSpeaker:
        """Prepare to have the answer to `question` said where the person who asks listens.

        It is said as long as all who listen may view the channel where it is written.

        Raises:
            UserError: they don't, or it can't be said there.
            StoreUnavailable: the store cannot be used just now.
        """
        origin = origin_of(interaction, VIEW)
        hearing = hearing_of(interaction, caller, self._voices, self._audience, wanted=True, origin=origin)
        model = await self._rules.model_for(caller, ModelKind.SPEECH, None)
        voice = await self._preferences.get(caller)
        label = Label(caller.user_id, caller.name, question, channel_id=caller.channel_id)

        async def begin() -> Utterance | None:
            return await hearing.begin(label, speed=voice.speed)

        return await self._reciting.recital(caller, begin, voice, model)


async def tell_of_silence(interaction: discord.Interaction, fault: BotError) -> None:
    """Say, to the person who asked, why the answer was not said to its end; its text is there all the same."""
    await interaction.followup.send(f"I couldn't say all of it aloud. {fault.sentence}", ephemeral=True)
