import pytest

from bot.store.audit_log import AuditEntry, AuditLog
from bot.store.database import Database
from bot.store.settings import StoredSettings

GUILD, CHANNEL = 7, 10


@pytest.fixture
def settings(database: Database) -> StoredSettings:
    return StoredSettings(database)


async def test_nothing_is_set_at_first(settings: StoredSettings) -> None:
    assert await settings.get_values(GUILD, CHANNEL) == ({}, {})


async def test_server_and_channel_values_come_together_and_apart(settings: StoredSettings) -> None:
    await settings.set_guild(GUILD, "chat_model", "a", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "b", by=1, at_ms=6)
    await settings.set_channel(CHANNEL, GUILD, "speech_model", "c", by=1, at_ms=7)
    assert await settings.get_values(GUILD, CHANNEL) == ({"chat_model": "a"}, {"chat_model": "b", "speech_model": "c"})


async def test_a_value_set_again_is_replaced_and_tells_who_did(settings: StoredSettings, database: Database) -> None:
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "a", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "b", by=2, at_ms=6)
    rows = await database.read(
        lambda tx: tx.fetch_all("SELECT value, guild_id, changed_by, changed_at_ms FROM settings")
    )
    assert await settings.get_values(GUILD, CHANNEL) == ({}, {"chat_model": "b"})
    assert rows == [("b", GUILD, 2, 6)]


async def test_other_places_keep_their_values(settings: StoredSettings) -> None:
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "a", by=1, at_ms=5)
    await settings.set_guild(GUILD, "chat_model", "b", by=1, at_ms=5)
    assert await settings.get_values(GUILD + 1, CHANNEL + 1) == ({}, {})
    assert await settings.get_values(CHANNEL, GUILD) == ({}, {})


async def test_a_direct_message_has_no_server(settings: StoredSettings) -> None:
    await settings.set_channel(CHANNEL, None, "chat_model", "a", by=1, at_ms=5)
    assert await settings.get_values(None, CHANNEL) == ({}, {"chat_model": "a"})


async def test_what_is_taken_back_is_gone_there_and_nowhere_else(settings: StoredSettings) -> None:
    await settings.set_guild(GUILD, "persona", "s", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "persona", "c", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "other", "o", by=1, at_ms=5)
    assert await settings.clear_channel(CHANNEL, GUILD, ["persona", "chat_model"], by=1, at_ms=6) == ["persona"]
    assert await settings.get_values(GUILD, CHANNEL) == ({"persona": "s"}, {"other": "o"})
    assert await settings.clear_guild(GUILD, ["persona"], by=1, at_ms=7) == ["persona"]
    assert await settings.get_values(GUILD, CHANNEL) == ({}, {"other": "o"})


async def test_who_changed_what_from_what_to_what_is_kept(settings: StoredSettings, database: Database) -> None:
    await settings.set_channel(CHANNEL, GUILD, "persona", "a", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "persona", "b", by=2, at_ms=6)
    await settings.set_guild(GUILD, "persona", "c", by=2, at_ms=7)
    await settings.clear_channel(CHANNEL, GUILD, ["persona"], by=3, at_ms=8)
    assert await AuditLog(database).list_newest(GUILD, 10) == [
        AuditEntry(GUILD, CHANNEL, "persona", "b", None, by=3, at_ms=8),
        AuditEntry(GUILD, None, "persona", None, "c", by=2, at_ms=7),
        AuditEntry(GUILD, CHANNEL, "persona", "a", "b", by=2, at_ms=6),
        AuditEntry(GUILD, CHANNEL, "persona", None, "a", by=1, at_ms=5),
    ]


async def test_what_changes_nothing_is_no_change(settings: StoredSettings, database: Database) -> None:
    await settings.set_channel(CHANNEL, GUILD, "persona", "a", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "persona", "a", by=2, at_ms=6)
    await settings.clear_guild(GUILD, ["persona"], by=2, at_ms=7)
    assert len(await AuditLog(database).list_newest(GUILD, 10)) == 1


async def test_a_value_that_no_database_takes_is_kept_as_far_as_it_can_be(settings: StoredSettings) -> None:
    await settings.set_channel(CHANNEL, GUILD, "persona", "half \ud83d and \0", by=1, at_ms=5)
    assert await settings.get_values(GUILD, CHANNEL) == ({}, {"persona": "half ? and \N{REPLACEMENT CHARACTER}"})
