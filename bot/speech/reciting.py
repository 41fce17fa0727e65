"""The use case behind `/ask speak`: an answer that is read out while it is being written."""

from bot.api.client import ApiClient
from bot.context import RequestContext
from bot.intake.workers import Workers
from bot.quotas.ledger import Ledger
from bot.speech.lexicon import Lexicon
from bot.speech.preferences import Voice
from bot.speech.recital import Begin, Recital


class Reciting:
    """Reads answers out."""

    def __init__(self, api: ApiClient, ledger: Ledger, lexicon: Lexicon, sounds: Workers) -> None:
        self._api = api
        self._ledger = ledger
        self._lexicon = lexicon
        self._sounds = sounds

    async def recital(self, caller: RequestContext, begin: Begin, voice: Voice, model: str) -> Recital:
        """Prepare to read out one answer to `caller`, once `begin` has found it a place on a line.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        pronunciation = await self._lexicon.pronunciation(caller.guild_id)
        return Recital(
            self._api,
            self._ledger,
            caller,
            begin,
            voice=voice.name,
            model=model,
            pronunciation=pronunciation,
            sounds=self._sounds,
        )
