import pytest

from bot.store.database import Database
from bot.store.settings import StoredSettings

GUILD, CHANNEL = 7, 10


@pytest.fixture
def settings(database: Database) -> StoredSettings:
    return StoredSettings(database)


async def test_nothing_is_set_at_first(settings: StoredSettings) -> None:
    assert await settings.values(GUILD, CHANNEL) == ({}, {})


async def test_server_and_channel_values_come_together_and_apart(settings: StoredSettings) -> None:
    await settings.set_server(GUILD, "chat_model", "a", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "b", by=1, at_ms=6)
    await settings.set_channel(CHANNEL, GUILD, "speech_model", "c", by=1, at_ms=7)
    assert await settings.values(GUILD, CHANNEL) == ({"chat_model": "a"}, {"chat_model": "b", "speech_model": "c"})


async def test_a_value_set_again_is_replaced_and_tells_who_did(settings: StoredSettings, database: Database) -> None:
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "a", by=1, at_ms=5)
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "b", by=2, at_ms=6)
    rows = await database.read(
        lambda tx: tx.fetch_all("SELECT value, guild_id, changed_by, changed_at_ms FROM settings")
    )
    assert await settings.values(GUILD, CHANNEL) == ({}, {"chat_model": "b"})
    assert rows == [("b", GUILD, 2, 6)]


async def test_other_places_keep_their_values(settings: StoredSettings) -> None:
    await settings.set_channel(CHANNEL, GUILD, "chat_model", "a", by=1, at_ms=5)
    await settings.set_server(GUILD, "chat_model", "b", by=1, at_ms=5)
    assert await settings.values(GUILD + 1, CHANNEL + 1) == ({}, {})
    assert await settings.values(CHANNEL, GUILD) == ({}, {})


async def test_a_direct_message_has_no_server(settings: StoredSettings) -> None:
    await settings.set_channel(CHANNEL, None, "chat_model", "a", by=1, at_ms=5)
    assert await settings.values(None, CHANNEL) == ({}, {"chat_model": "a"})
