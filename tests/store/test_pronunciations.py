"""How servers have words said, as kept."""

import dataclasses

import pytest

from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.left_guilds import LeftGuilds
from bot.store.pronunciations import PronunciationsFull, StoredPronunciation, StoredPronunciations

GUILD = 7
GIF = StoredPronunciation("gif", "GIF", "jiff")
NGINX = StoredPronunciation("nginx", "nginx", "engine x")


@pytest.fixture
def words(database: Database) -> StoredPronunciations:
    return StoredPronunciations(database)


async def put(
    words: StoredPronunciations, *wanted: StoredPronunciation, guild_id: int = GUILD, max_count: int = 9
) -> list[StoredPronunciation | None]:
    return [await words.save(guild_id, each, max_count=max_count, by=1, at_ms=5) for each in wanted]


async def test_a_word_is_kept_replaced_and_taken_away(words: StoredPronunciations) -> None:
    harder = dataclasses.replace(GIF, word="Gif", spoken_as="ghiff")
    assert await put(words, NGINX, GIF, harder) == [None, None, GIF]
    assert await words.list_for_guild(GUILD) == [harder, NGINX]
    assert await words.remove(GUILD, "gif", by=1, at_ms=6) == harder
    assert await words.remove(GUILD, "gif", by=1, at_ms=6) is None
    assert await words.list_for_guild(GUILD) == [NGINX]


async def test_there_is_an_end_to_words_but_not_to_changing_them(words: StoredPronunciations) -> None:
    await put(words, GIF, max_count=1)
    with pytest.raises(PronunciationsFull):
        await put(words, NGINX, max_count=1)
    await put(words, NGINX, guild_id=GUILD + 1, max_count=1)
    assert await put(words, dataclasses.replace(GIF, spoken_as="ghiff"), max_count=1) == [GIF]


async def test_who_changed_what_is_kept(words: StoredPronunciations, database: Database) -> None:
    await put(words, GIF, dataclasses.replace(GIF, spoken_as="ghiff"), dataclasses.replace(GIF, spoken_as="ghiff"))
    await words.remove(GUILD, "gif", by=2, at_ms=9)
    told = [
        (each.setting, each.old, each.new, each.by, each.at_ms)
        for each in await AuditLog(database).list_newest(GUILD, 9)
    ]
    assert told == [
        ("pronunciation/GIF", "ghiff", None, 2, 9),
        ("pronunciation/GIF", "jiff", "ghiff", 1, 5),
        ("pronunciation/GIF", None, "jiff", 1, 5),
    ]


async def test_words_go_with_their_server(words: StoredPronunciations, database: Database) -> None:
    departures = LeftGuilds(database)
    await put(words, GIF)
    await put(words, GIF, guild_id=GUILD + 1)
    assert await departures.list_known_guilds() == {GUILD, GUILD + 1}
    await departures.record([GUILD], 1)
    await departures.purge(GUILD, noticed_before_ms=1)
    assert await words.list_for_guild(GUILD) == []
    assert await words.list_for_guild(GUILD + 1) == [GIF]


async def test_what_no_database_takes_is_kept_as_far_as_it_can_be(words: StoredPronunciations) -> None:
    await put(words, StoredPronunciation("a\ud83d", "A\ud83d", "\0b"))
    assert await words.list_for_guild(GUILD) == [StoredPronunciation("a?", "A?", "\N{REPLACEMENT CHARACTER}b")]
    assert await words.remove(GUILD, "a\ud83d", by=1, at_ms=6) is not None
