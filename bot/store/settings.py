"""Settings that moderators change, for a channel or a whole server, as names and texts; what they mean is elsewhere."""

from bot.store.database import Database, Transaction

_VALUES = """
    SELECT scope, name, value FROM settings WHERE scope = 'server' AND subject_id = ?
    UNION ALL
    SELECT scope, name, value FROM settings WHERE scope = 'channel' AND subject_id = ?
"""

_SET = """
    INSERT INTO settings (scope, subject_id, name, value, guild_id, changed_by, changed_at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, subject_id, name) DO UPDATE SET
        value = excluded.value, guild_id = excluded.guild_id,
        changed_by = excluded.changed_by, changed_at_ms = excluded.changed_at_ms
"""


class StoredSettings:
    """The values set so far. Read anew for each request, so that a change in any process is seen by the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def values(self, guild_id: int | None, channel_id: int) -> tuple[dict[str, str], dict[str, str]]:
        """Give what is set for the server (nothing in direct messages) and for the channel, as name → value.

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

    async def set_channel(
        self, channel_id: int, guild_id: int | None, name: str, value: str, *, by: int, at_ms: int
    ) -> None:
        """Set `name` for one channel; `by` is the member who did, `at_ms` when.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        await self._set("channel", channel_id, guild_id, name, value, by, at_ms)

    async def set_server(self, guild_id: int, name: str, value: str, *, by: int, at_ms: int) -> None:
        """Set `name` for a whole server; `by` is the member who did, `at_ms` when.

        Raises:
            StoreUnavailable: it could not be kept.
        """
        await self._set("server", guild_id, guild_id, name, value, by, at_ms)

    async def _set(
        self, scope: str, subject_id: int, guild_id: int | None, name: str, value: str, by: int, at_ms: int
    ) -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.execute(_SET, (scope, subject_id, name, value, guild_id, by, at_ms))

        await self._database.write(work)
