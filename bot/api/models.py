"""Which models the API offers."""

import msgspec

from bot.api.faults import fault_in_answer
from bot.api.payloads import decode, is_error, model_entries, models_answers, value_of
from bot.api.retries import Retries
from bot.api.transport import Transport
from bot.errors import InvalidApiResponse

_CALL = "models"
_PATH = "/models"
MAX_MODELS = 5000
MAX_NAME = 200


class Models:
    """The list of models, asked anew each time; who wants it cached keeps it."""

    def __init__(self, transport: Transport, retries: Retries) -> None:
        self._transport = transport
        self._retries = retries

    async def names(self) -> list[str]:
        """Give the models' names in the API's order, each once."""
        with self._transport.deadlines(_CALL) as deadlines:

            async def ask() -> bytes:
                limits = self._transport.limits
                async with self._transport.open(
                    deadlines, _CALL, _PATH, first_byte_s=limits.first_byte_s, max_bytes=limits.models_bytes
                ) as reply:
                    return await reply.read_whole()

            body = await self._retries.of_answer(_CALL, ask)
        return _names(body)


def _names(body: bytes) -> list[str]:
    answer = decode(models_answers, body, _CALL)
    if is_error(answer.error):
        raise fault_in_answer(_CALL, {"error": value_of(answer.error)})
    if answer.data is None:
        raise InvalidApiResponse("models: an answer without a list")
    ids = map(_id, answer.data[: 2 * MAX_MODELS])  # some may be odd or there twice
    names = (name for name in ids if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable())
    return list(dict.fromkeys(names))[:MAX_MODELS]


def _id(entry: msgspec.Raw) -> object:
    """Return what stands for the id in an entry, which may be the id itself."""
    data = bytes(entry)
    try:
        return value_of(decode(model_entries, data, _CALL).id if data.startswith(b"{") else entry)
    except InvalidApiResponse:
        return None
