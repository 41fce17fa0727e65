"""Which models the API offers."""

from bot.api.faults import fault_in_answer
from bot.api.payloads import any_json, decode, models_answers
from bot.api.retries import Retries
from bot.api.transport import Transport
from bot.errors import BrokenAnswer

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
    if answer.error:
        raise fault_in_answer(_CALL, {"error": answer.error})
    if answer.data is None:
        raise BrokenAnswer("models: an answer without a list")
    entries = (any_json(bytes(entry)) for entry in answer.data)
    ids = (entry.get("id") if isinstance(entry, dict) else entry for entry in entries)
    names = (name for name in ids if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable())
    return list(dict.fromkeys(names))[:MAX_MODELS]
