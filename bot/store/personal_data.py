"""What is stored about a member apart from their turns, and every column that holds members' ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.store.database import Database, Row, Transaction

_CHANNELS = """
    SELECT guild_id, channel_id, count(*), sum(private), min(created_at_ms) FROM turns WHERE author_id = ?
    GROUP BY guild_id, channel_id
"""

_SETTINGS = """
    SELECT scope, subject_id, guild_id, name, value, changed_at_ms FROM settings WHERE changed_by = ? LIMIT 1000
"""

_ERASE_SETTINGS = "UPDATE settings SET changed_by = 0 WHERE changed_by = ?"

_AUDIT_LOG = """
    SELECT guild_id, channel_id, setting, old, new, old_length, new_length, changed_at_ms FROM audit_log
    WHERE changed_by = ? LIMIT 1000
"""

_ERASE_AUDIT_LOG = "UPDATE audit_log SET changed_by = NULL WHERE changed_by = ?"

_LIMITS = "SELECT guild_id, kind, period, max_amount FROM quota_limits WHERE member_id = ? LIMIT 1000"

_ERASE_LIMITS = "UPDATE quota_limits SET member_id = NULL WHERE member_id = ?"

_VOICE = "SELECT voice, speed_percent, changed_at_ms FROM voice_settings WHERE member_id = ?"

_ERASE_VOICE = "DELETE FROM voice_settings WHERE member_id = ?"

_IMAGES = """
    SELECT guild_id, channel_id, prompt, size, n, model, created_at_ms FROM image_generations
    WHERE author_id = ? LIMIT 1000
"""

_ERASE_IMAGES = "DELETE FROM image_generations WHERE author_id = ?"


class PersonalRows(StrEnum):
    """What is stored about a member apart from their turns, by its published name in an export."""

    SETTINGS = "settings"
    SETTING_CHANGES = "changes"
    VOICE_SETTINGS = "voice_preferences"
    IMAGE_GENERATIONS = "sketches"
    LIMITS = "quota_rules"


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """Rows that hold a member's id: where, how to read them, how to take the id out.

    `fields` are those of what is read. `erase` takes the whole row where it is about that member alone. A thousand
    rows at most are read; `erase` changes all of them.
    """

    rows: PersonalRows
    table: str
    column: str
    fields: tuple[str, ...]
    read: str
    erase: str


PERSONAL_COLUMNS: Final = (
    PersonalColumn(
        PersonalRows.SETTINGS,
        "settings",
        "changed_by",
        ("scope", "subject_id", "server_id", "setting", "value", "changed_at_ms"),
        _SETTINGS,
        _ERASE_SETTINGS,
    ),
    PersonalColumn(
        PersonalRows.SETTING_CHANGES,
        "audit_log",
        "changed_by",
        ("server_id", "channel_id", "setting", "old", "new", "old_length", "new_length", "changed_at_ms"),
        _AUDIT_LOG,
        _ERASE_AUDIT_LOG,
    ),
    # It is about the member alone: the whole row is deleted.
    PersonalColumn(
        PersonalRows.VOICE_SETTINGS,
        "voice_settings",
        "member_id",
        ("voice", "speed_percent", "changed_at_ms"),
        _VOICE,
        _ERASE_VOICE,
    ),
    # It is about the member alone: the whole row is deleted.
    PersonalColumn(
        PersonalRows.IMAGE_GENERATIONS,
        "image_generations",
        "author_id",
        ("server_id", "channel_id", "prompt", "size", "pictures", "model", "created_at_ms"),
        _IMAGES,
        _ERASE_IMAGES,
    ),
    # The limit itself stays: it knows the member by a keyed hash, so that deletion is no way out of it.
    PersonalColumn(
        PersonalRows.LIMITS,
        "quota_limits",
        "member_id",
        ("server_id", "kind", "per", "limit"),
        _LIMITS,
        _ERASE_LIMITS,
    ),
)
"""Every column with members' ids, but `turns.author_id`: see `TurnDeletion`. A test demands it."""


@dataclass(frozen=True, slots=True)
class ChannelTurnCount:
    """A member's turns in one channel: how many, how many of them private, and when the oldest was stored."""

    guild_id: int | None
    channel_id: int
    turns: int
    private: int
    oldest_at_ms: int


class PersonalData:
    """Reads and erases what is stored about a member. Every method may raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_turns_by_channel(self, member_id: int) -> list[ChannelTurnCount]:
        """Return the member's turns counted by channel, in no order."""

        async def work(transaction: Transaction) -> list[ChannelTurnCount]:
            return [ChannelTurnCount(*row) for row in await transaction.fetch_all(_CHANNELS, (member_id,))]

        return await self._database.read(work)

    async def list_rows(self, member_id: int) -> Mapping[PersonalRows, Sequence[Mapping[str, int | str | None]]]:
        """Return the other rows with the member's id."""

        async def work(transaction: Transaction) -> dict[PersonalRows, list[Row]]:
            return {each.rows: await transaction.fetch_all(each.read, (member_id,)) for each in PERSONAL_COLUMNS}

        found = await self._database.read(work)
        return {
            each.rows: [dict(zip(each.fields, row, strict=True)) for row in found[each.rows]]
            for each in PERSONAL_COLUMNS
        }

    async def erase(self, member_id: int) -> int:
        """Take the member's id out of all rows that hold it, except turns; return how many rows."""

        async def work(transaction: Transaction) -> int:
            return sum([await transaction.execute(each.erase, (member_id,)) for each in PERSONAL_COLUMNS])

        return await self._database.write(work)
