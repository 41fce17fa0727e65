"""The client of the model API, and its list of models."""

import random as _random
from collections.abc import Callable

import aiohttp
import msgspec

from bot.api.chat import ChatApi
from bot.api.error_mapping import error_from_payload
from bot.api.images import ImagesApi
from bot.api.payloads import decode, decode_value, is_error, model_decoder, models_decoder
from bot.api.speech import SpeechApi
from bot.api.transport import CallLimits, Transport
from bot.clock import Clock
from bot.errors import InvalidApiResponse
from bot.workers.pool import DecodingWorkers

_CALL = "models"
_PATH = "/models"
MAX_MODELS = 5000
MAX_NAME_LENGTH = 200


class ModelsApi:
    """The list of models, requested each time; `ModelCatalog` caches it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list_names(self) -> list[str]:
        """Return the models' names in the API's order, each once."""
        with self._transport.start_call(_CALL) as call:

            async def request() -> bytes:
                limits = self._transport.limits
                async with self._transport.open(
                    call, _PATH, first_byte_s=limits.first_byte_s, max_bytes=limits.models_bytes
                ) as response:
                    return await response.read_whole()

            body = await call.retry(request)
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
    """An OpenAI-compatible API, one object for each kind of call.

    Every call raises `ApiError`s only, each with a sentence for the requester. A failed attempt is repeated only if
    nothing came of it. Streams are async generators: use them under `contextlib.aclosing`; closing one closes its
    connection at once.
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
        transport = Transport(session, base_url=base_url, key=key, clock=clock, limits=limits, random=random)
        self.models = ModelsApi(transport)
        self.chat = ChatApi(transport)
        self.speech = SpeechApi(transport, speech_path, workers.audio)
        self.images = ImagesApi(transport, workers.files)
