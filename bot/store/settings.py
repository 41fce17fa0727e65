"""Settings: of a channel or a whole guild, as names and texts whose meaning `bot/guilds` knows; and members' voices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.store.audit_log import AuditEntry, record
from bot.store.database import Database, Transaction
from bot.store.sqlite import sanitize_for_db

_VALUES = """
    SELECT scope, name, value FROM settings WHERE scope = 'server' AND subject_id = ?
    UNION ALL
    SELECT scope, name, value FROM settings WHERE scope = 'channel' AND subject_id = ?
"""

_VALUE = "SELECT value FROM settings WHERE scope = ? AND subject_id = ? AND name = ?"

_SET = """
    INSERT INTO settings (scope, subject_id, name, value, guild_id, changed_by, changed_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, subject_id, name) DO UPDATE SET
        value = excluded.value, guild_id = excluded.guild_id,
        changed_by = excluded.changed_by, changed_at_ms = excluded.changed_at_ms
"""

_CLEAR = "DELETE FROM settings WHERE scope = ? AND subject_id = ? AND name = ? RETURNING value"


_VOICE = "SELECT voice, speed_percent FROM voice_settings WHERE member_id = ?"

_SET_VOICE = """
    INSERT INTO voice_settings (member_id, voice, speed_percent, changed_at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (member_id) DO UPDATE SET
        voice = excluded.voice, speed_percent = excluded.speed_percent, changed_at_ms = excluded.changed_at_ms
"""


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """What a member chose. `voice` is None for the operator's; 100 % is the voice's own speed."""

    voice: str | None = None
    speed_percent: int = 100


class StoredSettings:
    """The values set so far. Read for each request, so that a change by any process is seen by the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_values(self, guild_id: int | None, channel_id: int) -> tuple[dict[str, str], dict[str, str]]:
        """Return what is set for the guild (nothing in direct messages) and for the channel, as name → value.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """

        async def work(transaction: Transaction) -> tuple[dict[str, str], dict[str, str]]:
            server: dict[str, str] = {}
            channel: dict[str, str] = {}
            for scope, name, value in await transaction.fetch_all(_VALUES, (guild_id, channel_id)):
                (server if scope == "server" else channel)[name] = value
            return server, channel

        return await self._database.read(work)

    async def get_guild_value(self, guild_id: int, name: str) -> str | None:
        """Return what is set for a whole guild under `name`.

        Raises:
            StoreUnavailable: it cannot be read just now.
        """
        found = await self._database.read(lambda transaction: transaction.fetch_one(_VALUE, ("server", guild_id, name)))
        return None if found is None else str(found[0])

    async def set_channel(
        self, channel_id: int, guild_id: int | None, name: str, value: str, *, by: int, at_ms: int
    ) -> None:
        """Set `name` for one channel, and record the change; `by` is the member who did, `at_ms` when.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        change = AuditEntry(guild_id, channel_id, name, None, sanitize_for_db(value), by, at_ms)
        await self._database.write(lambda transaction: _set(transaction, "channel", channel_id, change))

    async def set_guild(self, guild_id: int, name: str, value: str, *, by: int, at_ms: int) -> None:
        """Set `name` for a whole guild, and record the change; `by` is the member who did, `at_ms` when.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        change = AuditEntry(guild_id, None, name, None, sanitize_for_db(value), by, at_ms)
        await self._database.write(lambda transaction: _set(transaction, "server", guild_id, change))

    async def clear_channel(
        self, channel_id: int, guild_id: int | None, names: Sequence[str], *, by: int, at_ms: int
    ) -> list[str]:
        """Delete what one channel has set under `names`, and record the changes; return the names that were set.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        changes = [AuditEntry(guild_id, channel_id, name, None, None, by, at_ms) for name in names]
        return await self._database.write(lambda transaction: _clear(transaction, "channel", channel_id, changes))

    async def clear_guild(self, guild_id: int, names: Sequence[str], *, by: int, at_ms: int) -> list[str]:
        """Delete what a whole guild has set under `names`, and record the changes; return the names that were set.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        changes = [AuditEntry(guild_id, None, name, None, None, by, at_ms) for name in names]
        return await self._database.write(lambda transaction: _clear(transaction, "server", guild_id, changes))

    async def get_voice(self, member_id: int) -> StoredVoice:
        """Return the voice that a member chose, or the defaults.

        Raises:
            StoreUnavailable: it cannot be read just now.
        """
        return await self._database.read(lambda transaction: _get_voice(transaction, member_id))

    async def update_voice(
        self, member_id: int, *, voice: str | None, speed_percent: int | None, at_ms: int
    ) -> StoredVoice:
        """Set what is not None of a member's voice, leave the rest as it is, and return the result.

        Raises:
            StoreUnavailable: it could not be kept.
        """

        async def work(transaction: Transaction) -> StoredVoice:
            old = await _get_voice(transaction, member_id)
            wanted = StoredVoice(voice or old.voice, speed_percent or old.speed_percent)
            await transaction.execute(_SET_VOICE, (member_id, wanted.voice, wanted.speed_percent, at_ms))
            return wanted

        return await self._database.write(work)


async def _get_voice(transaction: Transaction, member_id: int) -> StoredVoice:
    found = await transaction.fetch_one(_VOICE, (member_id,))
    return StoredVoice() if found is None else StoredVoice(*found)


async def _set(transaction: Transaction, scope: str, subject_id: int, change: AuditEntry) -> None:
    before = await transaction.fetch_one(_VALUE, (scope, subject_id, change.setting))
    await transaction.execute(
        _SET, (scope, subject_id, change.setting, change.new, change.guild_id, change.by, change.at_ms)
    )
    await record(transaction, replace(change, old=before[0] if before else None))


async def _clear(transaction: Transaction, scope: str, subject_id: int, changes: Sequence[AuditEntry]) -> list[str]:
    cleared = []
    for change in changes:
        before = await transaction.fetch_one(_CLEAR, (scope, subject_id, change.setting))
        if before:
            await record(transaction, replace(change, old=before[0]))
            cleared.append(change.setting)
    return cleared
