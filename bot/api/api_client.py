"""The model API as the rest of the bot sees it."""

import random as _random
from collections.abc import AsyncGenerator, Callable, Sequence

import aiohttp
import msgspec

from bot.api.chat import Chat
from bot.api.chat_types import ChatAnswer, ChatEvent, ChatMessage
from bot.api.error_mapping import error_from_payload
from bot.api.image_validation import GeneratedImage
from bot.api.images import Images
from bot.api.payloads import decode, decode_value, is_error, model_decoder, models_decoder
from bot.api.retries import Retries
from bot.api.speech import Speech
from bot.api.transport import CallLimits, SendStatus, Transport
from bot.clock import Clock
from bot.errors import InvalidApiResponse
from bot.workers.pool import DecodingWorkers

_CALL = "models"
_PATH = "/models"
MAX_MODELS = 5000
MAX_NAME_LENGTH = 200


class Models:
    """The list of models, requested each time; `ModelCatalog` caches it."""

    def __init__(self, transport: Transport, retries: Retries) -> None:
        self._transport = transport
        self._retries = retries

    async def list_names(self) -> list[str]:
        """Return the models' names in the API's order, each once."""
        with self._transport.start_timeouts(_CALL) as timeouts:

            async def request() -> bytes:
                limits = self._transport.limits
                async with self._transport.open(
                    timeouts, _CALL, _PATH, first_byte_s=limits.first_byte_s, max_bytes=limits.models_bytes
                ) as response:
                    return await response.read_whole()

            body = await self._retries.retry_call(_CALL, request)
        return _parse_names(body)


def _parse_names(body: bytes) -> list[str]:
    response = decode(models_decoder, body, _CALL)
    if is_error(response.error):
        raise error_from_payload(_CALL, {"error": decode_value(response.error)})
    if response.data is None:
        raise InvalidApiResponse("models: an answer without a list")
    ids = map(_decode_id, response.data[: 2 * MAX_MODELS])  # some may be odd or there twice
    names = (name for name in ids if isinstance(name, str) and 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable())
    return list(dict.fromkeys(names))[:MAX_MODELS]


def _decode_id(entry: msgspec.Raw) -> object:
    """Return the id of an entry, which may be the id itself; None if it cannot be read."""
    data = bytes(entry)
    try:
        return decode_value(decode(model_decoder, data, _CALL).id if data.startswith(b"{") else entry)
    except InvalidApiResponse:
        return None


_DEFAULT_LIMITS = CallLimits()


class ApiClient:
    """An OpenAI-compatible API. Every method raises `ApiError`s only, each with a sentence for the requester.

    Streams are async generators: use them under `contextlib.aclosing`; closing one closes its connection at once.
    A failed attempt is repeated only if nothing came of it.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        key: str,
        clock: Clock,
        workers: DecodingWorkers,
        speech_path: str = "/chat/completions",
        limits: CallLimits = _DEFAULT_LIMITS,
        random: Callable[[], float] = _random.random,
    ) -> None:
        transport = Transport(session, base_url=base_url, key=key, clock=clock, limits=limits)
        retries = Retries(clock, random)
        self._models = Models(transport, retries)
        self._chat = Chat(transport, retries)
        self._speech = Speech(transport, retries, speech_path, workers.audio)
        self._images = Images(transport, retries, workers.files)

    async def models(self) -> list[str]:
        """Return the names of the models that can be used."""
        return await self._models.list_names()

    def chat_stream(
        self, model: str, messages: Sequence[ChatMessage], send_status: SendStatus | None = None
    ) -> AsyncGenerator[ChatEvent, None]:
        """Yield text and reasoning as they come, then one `StreamEnd`; `send_status` follows the request.

        Deltas before an error stay valid: they were used and have to be paid for.
        """
        return self._chat.stream(model, messages, send_status or SendStatus())

    async def chat(self, model: str, messages: Sequence[ChatMessage]) -> ChatAnswer:
        """Return the answer of a request that is not streamed."""
        return await self._chat.complete(model, messages)

    def speech(
        self, model: str, text: str, voice: str, send_status: SendStatus | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield an MP3 file in chunks, the first of them checked to be MP3; `send_status` follows the request."""
        return self._speech.stream(model, text, voice, send_status or SendStatus())

    async def images(self, model: str, prompt: str, *, size: str | None, n: int) -> list[GeneratedImage]:
        """Return one to `n` images, each checked to be one; `size` None leaves the choice to the model."""
        return await self._images.generate(model, prompt, size=size, n=n)
