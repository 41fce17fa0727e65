"""The model API as the rest of the bot sees it."""

import random as _random
from collections.abc import AsyncGenerator, Callable, Sequence

import aiohttp

from bot.api.answers import ChatAnswer, ChatEvent, ChatMessage
from bot.api.chat import Chat
from bot.api.images import Images
from bot.api.limits import Limits
from bot.api.models import Models
from bot.api.pictures import Picture
from bot.api.retries import Retries
from bot.api.sending import Sending
from bot.api.speech import Speech
from bot.api.transport import Transport
from bot.clock import Clock
from bot.intake.intake import Intake

_DEFAULT_LIMITS = Limits()


class ApiClient:
    """An OpenAI-compatible API. Every method raises `ApiError`s only, each with a sentence for the one who asked.

    Streams are async generators: use them under `contextlib.aclosing`; closing one closes its connection at once.
    A failed try is repeated only before anything came of it.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        key: str,
        clock: Clock,
        intake: Intake,
        speech_path: str = "/chat/completions",
        limits: Limits = _DEFAULT_LIMITS,
        random: Callable[[], float] = _random.random,
    ) -> None:
        transport = Transport(session, base_url=base_url, key=key, clock=clock, limits=limits)
        retries = Retries(clock, random)
        self._models = Models(transport, retries)
        self._chat = Chat(transport, retries)
        self._speech = Speech(transport, retries, speech_path, intake.sounds)
        self._images = Images(transport, retries, intake.files)

    async def models(self) -> list[str]:
        """Give the names of the models that can be used."""
        return await self._models.names()

    def chat_stream(
        self, model: str, messages: Sequence[ChatMessage], sending: Sending | None = None
    ) -> AsyncGenerator[ChatEvent, None]:
        """Yield text and reasoning as they come, then one `StreamEnd`; `sending` follows the request meanwhile.

        An error after the first delta leaves what came before it standing; it was used and has to be paid for.
        """
        return self._chat.stream(model, messages, sending or Sending())

    async def chat(self, model: str, messages: Sequence[ChatMessage]) -> ChatAnswer:
        """Give the answer in one piece."""
        return await self._chat.whole(model, messages)

    def speech(self, model: str, text: str, voice: str, sending: Sending | None = None) -> AsyncGenerator[bytes, None]:
        """Yield an MP3 file in pieces, the first of them known to be MP3; `sending` follows the request meanwhile."""
        return self._speech.stream(model, text, voice, sending or Sending())

    async def images(self, model: str, prompt: str, *, size: str | None, n: int) -> list[Picture]:
        """Give one to `n` pictures, each checked to be one; `size` None leaves the choice to the model."""
        return await self._images.make(model, prompt, size=size, n=n)
