"""Speaks a text for an interaction: as an MP3, and in the requester's voice channel."""

import io

import discord

from bot.context import RequestContext
from bot.discord_ui.interaction_requests import InteractionRequests, InteractionResponder
from bot.discord_ui.voice.audience import VIEW, Audience, build_origin
from bot.discord_ui.voice.listener_access import PlaybackTarget, resolve_playback_target
from bot.discord_ui.voice.manager import VoiceManager
from bot.guilds.settings import GuildSettings
from bot.messages.message import Message
from bot.messages.render import render
from bot.model_catalog import ModelKind
from bot.speech.inline_speech import speakable_typed_text
from bot.speech.text_to_speech import Speech, TextToSay, TextToSpeech, ToSpeakable
from bot.speech.utterance import Label, Utterance
from bot.speech.voice_settings import MemberVoices


class SpeechCommands:
    """Speaks texts in response to interactions."""

    def __init__(
        self,
        text_to_speech: TextToSpeech,
        settings: GuildSettings,
        requests: InteractionRequests,
        voice_settings: MemberVoices,
        voice_manager: VoiceManager,
        audience: Audience,
    ) -> None:
        self._text_to_speech = text_to_speech
        self._settings = settings
        self._requests = requests
        self._voice_settings = voice_settings
        self._voice_manager = voice_manager
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
            to_speakable: returns what is said of `text`; see `TextToSay`.
        """
        origin = None if play else build_origin(interaction, required)
        target = resolve_playback_target(
            interaction, requester, self._voice_manager, self._audience, wanted=play, origin=origin
        )
        model = await self._settings.get_model(requester, ModelKind.SPEECH, model)
        settings = await self._voice_settings.get(requester, voice)
        responder = self._requests.open(interaction, private=private)
        output = _FileAndPlayback(responder, target, settings.speed)
        to_say = TextToSay(text, settings.name, model, to_speakable)
        await self._requests.run(self._text_to_speech.say(requester, to_say, output), responder)


class _FileAndPlayback:
    """Sends speech as a file of the response, and plays it in a voice channel."""

    def __init__(self, responder: InteractionResponder, target: PlaybackTarget, speed: float) -> None:
        self.upload_limit = responder.upload_limit
        self._output = responder.output
        self._target = target
        self._speed = speed

    async def enqueue(self, label: Label) -> Utterance | None:
        return await self._target.enqueue(label, speed=self._speed)

    async def show(self, speech: Speech, refusal: Message | None) -> None:
        notes = " ".join(render(note) for note in (speech.note, refusal) if note is not None)
        files = [discord.File(io.BytesIO(speech.mp3), speech.filename)] if speech.mp3 else []
        await self._output.show_result(notes, files)
