"""The voice and the speed that members chose for what is spoken for them."""

from dataclasses import dataclass

from bot.store.database import Database, Transaction

_OF_MEMBER = "SELECT voice, speed_percent FROM voice_settings WHERE member_id = ?"

_SET = """
    INSERT INTO voice_settings (member_id, voice, speed_percent, changed_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (member_id) DO UPDATE SET
        voice = excluded.voice, speed_percent = excluded.speed_percent, changed_at_ms = excluded.changed_at_ms
"""


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """What a member chose. `voice` is None for the operator's; 100 % is the voice's own speed."""

    voice: str | None = None
    speed_percent: int = 100


class StoredVoices:
    """The voice settings of all members. Every method may raise StoreUnavailable, and has changed nothing then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, member_id: int) -> StoredVoice:
        """Return a member's voice settings, or the defaults."""
        return await self._database.read(lambda transaction: _read(transaction, member_id))

    async def update(self, member_id: int, *, voice: str | None, speed_percent: int | None, at_ms: int) -> StoredVoice:
        """Set what is not None, leave the rest as it is, and return the result."""

        async def work(transaction: Transaction) -> StoredVoice:
            old = await _read(transaction, member_id)
            wanted = StoredVoice(voice or old.voice, speed_percent or old.speed_percent)
            await transaction.execute(_SET, (member_id, wanted.voice, wanted.speed_percent, at_ms))
            return wanted

        return await self._database.write(work)


async def _read(transaction: Transaction, member_id: int) -> StoredVoice:
    found = await transaction.fetch_one(_OF_MEMBER, (member_id,))
    return StoredVoice() if found is None else StoredVoice(*found)
