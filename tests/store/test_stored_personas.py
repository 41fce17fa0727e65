"""The personas that servers have by name, as kept."""

import dataclasses

import pytest

from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.left_guilds import LeftGuilds
from bot.store.personas import PersonaExists, PersonasFull, StoredPersona, StoredPersonas

GUILD = 7
PIRATE = StoredPersona("pirate", "Pirate", "You are a pirate.")
PARROT = StoredPersona("parrot", "Parrot", "You are a parrot.")
LOUDER = dataclasses.replace(PIRATE, name="PIRATE", persona="You are a loud pirate.")


@pytest.fixture
def presets(database: Database) -> StoredPersonas:
    return StoredPersonas(database)


async def add(presets: StoredPersonas, *wanted: StoredPersona, guild_id: int = GUILD, max_count: int = 9) -> None:
    for each in wanted:
        await presets.add(guild_id, each, max_count=max_count, by=1, at_ms=5)


async def logged(database: Database) -> list[tuple[object, ...]]:
    """The changes, oldest first."""
    newest = await AuditLog(database).list_newest(GUILD, 99)
    return [(each.setting, each.old, each.new, each.by, each.at_ms) for each in reversed(newest)]


async def test_a_persona_is_added_changed_and_taken_away(presets: StoredPersonas) -> None:
    await add(presets, PIRATE, PARROT)
    assert await presets.list_names(GUILD) == ["Parrot", "Pirate"]
    assert await presets.update(GUILD, "pirate", "Arr.", by=1, at_ms=6) == PIRATE
    assert await presets.list_for_guild(GUILD) == [PARROT, dataclasses.replace(PIRATE, persona="Arr.")]
    assert await presets.remove(GUILD, "parrot", by=1, at_ms=7) == PARROT
    assert await presets.remove(GUILD, "parrot", by=1, at_ms=7) is None
    assert await presets.update(GUILD, "parrot", "Arr.", by=1, at_ms=8) is None
    assert await presets.get(GUILD, "parrot") is None
    assert await presets.list_names(GUILD) == ["Pirate"]


async def test_a_name_is_there_once_and_there_is_an_end_to_them(presets: StoredPersonas, database: Database) -> None:
    await add(presets, PIRATE, max_count=1)
    with pytest.raises(PersonaExists):
        await add(presets, LOUDER)
    with pytest.raises(PersonasFull):
        await add(presets, PARROT, max_count=1)
    await add(presets, PARROT, guild_id=GUILD + 1, max_count=1)
    assert await presets.list_for_guild(GUILD) == [PIRATE]
    assert len(await logged(database)) == 1


async def test_many_are_kept_together_or_none(presets: StoredPersonas, database: Database) -> None:
    await add(presets, PIRATE)
    with pytest.raises(PersonasFull) as full:
        await presets.save_all(GUILD, [LOUDER, PARROT], max_count=1, by=2, at_ms=6)
    assert full.value.count == 2
    assert await presets.list_for_guild(GUILD) == [PIRATE]
    assert await presets.save_all(GUILD, [LOUDER, PARROT], max_count=2, by=2, at_ms=6) == [PIRATE, None]
    assert await presets.list_for_guild(GUILD) == [PARROT, LOUDER]


async def test_who_changed_what_is_kept(presets: StoredPersonas, database: Database) -> None:
    await add(presets, PIRATE)
    await presets.save_all(GUILD, [PIRATE], max_count=9, by=2, at_ms=6)
    await presets.update(GUILD, "pirate", "Arr.", by=2, at_ms=7)
    await presets.save_all(GUILD, [LOUDER], max_count=9, by=3, at_ms=8)
    await presets.remove(GUILD, "pirate", by=4, at_ms=9)
    assert await logged(database) == [
        ("persona/Pirate", None, PIRATE.persona, 1, 5),
        ("persona/Pirate", PIRATE.persona, "Arr.", 2, 7),
        ("persona/Pirate", "Arr.", None, 3, 8),
        ("persona/PIRATE", None, LOUDER.persona, 3, 8),
        ("persona/PIRATE", LOUDER.persona, None, 4, 9),
    ]


async def test_personas_go_with_their_server(presets: StoredPersonas, database: Database) -> None:
    departures = LeftGuilds(database)
    await add(presets, PIRATE)
    await add(presets, PIRATE, guild_id=GUILD + 1)
    assert await departures.list_known_guilds() == {GUILD, GUILD + 1}
    await departures.record([GUILD], 1)
    await departures.purge(GUILD, noticed_before_ms=1)
    assert await presets.list_names(GUILD) == []
    assert await presets.list_for_guild(GUILD + 1) == [PIRATE]


async def test_what_no_database_takes_is_kept_as_far_as_it_can_be(presets: StoredPersonas) -> None:
    await add(presets, StoredPersona("a\ud83d", "A\ud83d", "\0b"))
    assert await presets.list_for_guild(GUILD) == [StoredPersona("a?", "A?", "\N{REPLACEMENT CHARACTER}b")]
    assert await presets.remove(GUILD, "a\ud83d", by=1, at_ms=6) is not None
