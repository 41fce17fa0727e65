"""The use case behind `/ask speak`: an answer that is read out while it is being written."""

from bot.api.client import ApiClient
from bot.caller import Caller
from bot.quotas.ledger import Ledger
from bot.speech.preferences import Voice
from bot.speech.recital import Begin, Recital


class Reciting:
    """Reads answers out."""

    def __init__(self, api: ApiClient, ledger: Ledger) -> None:
        self._api = api
        self._ledger = ledger

    def recital(self, caller: Caller, begin: Begin, voice: Voice, model: str) -> Recital:
        """Prepare to read out one answer to `caller`, once `begin` has found it a place on a line."""
        return Recital(self._api, self._ledger, caller, begin, voice=voice.name, model=model)
