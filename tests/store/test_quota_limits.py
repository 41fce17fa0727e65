import dataclasses

import pytest

from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.left_guilds import LeftGuilds
from bot.store.quota_limits import LimitsFull, QuotaLimits, QuotaLookup, StoredLimit, list_applicable_limits

GUILD, CHANNEL, ROLE, ANN = 7, 10, 801, 42
HASH = 9_999
SERVER = StoredLimit("server", None, "messages", "day", 40)
MEMBER = StoredLimit("member", HASH, "tokens", "hour", None, member_id=ANN)


@pytest.fixture
def rules(database: Database) -> QuotaLimits:
    return QuotaLimits(database)


async def put(
    rules: QuotaLimits, *wanted: StoredLimit, guild_id: int = GUILD, max_count: int = 100
) -> list[StoredLimit | None]:
    return [await rules.set(guild_id, each, max_count=max_count, by=1, at_ms=5) for each in wanted]


async def test_a_rule_is_kept_replaced_and_taken_back(rules: QuotaLimits) -> None:
    stricter = dataclasses.replace(SERVER, limit=4)
    assert await put(rules, SERVER, MEMBER, stricter) == [None, None, SERVER]
    assert await rules.list_for_guild(GUILD) == [MEMBER, stricter]
    assert await rules.clear(GUILD, SERVER.key, by=1, at_ms=6) == stricter
    assert await rules.clear(GUILD, SERVER.key, by=1, at_ms=6) is None
    assert await rules.list_for_guild(GUILD) == [MEMBER]


async def test_rules_are_found_where_they_may_bind(rules: QuotaLimits, database: Database) -> None:
    here = [
        SERVER,
        MEMBER,
        StoredLimit("member", None, "images", "day", 1),
        StoredLimit("channel", None, "images", "day", 2),
        StoredLimit("channel", CHANNEL, "images", "day", 3),
        StoredLimit("role", ROLE, "images", "day", 4),
    ]
    await put(
        rules, *here, StoredLimit("channel", 11, "images", "day", 5), StoredLimit("member", 8, "images", "day", 6)
    )
    await put(rules, StoredLimit("server", None, "images", "day", 7), guild_id=GUILD + 1)
    found = await database.read(
        lambda transaction: list_applicable_limits(transaction, QuotaLookup(GUILD, CHANNEL, HASH))
    )
    assert sorted(found, key=str) == sorted(here, key=str)
    assert await database.read(lambda transaction: list_applicable_limits(transaction, None)) == []


async def test_there_is_an_end_to_rules_but_not_to_changing_them(rules: QuotaLimits) -> None:
    await put(rules, SERVER, MEMBER, max_count=2)
    with pytest.raises(LimitsFull):
        await put(rules, StoredLimit("member", None, "images", "day", 1), max_count=2)
    assert await put(rules, dataclasses.replace(SERVER, limit=1), max_count=2) == [SERVER]


async def test_a_change_is_kept_with_who_made_it_and_tells_a_member_by_the_hash(
    rules: QuotaLimits, database: Database
) -> None:
    await put(rules, SERVER, dataclasses.replace(SERVER, limit=4), dataclasses.replace(SERVER, limit=4), MEMBER)
    await put(rules, StoredLimit("channel", CHANNEL, "images", "day", 3))
    await rules.clear(GUILD, MEMBER.key, by=2, at_ms=9)
    told = [
        (change.setting, change.channel_id, change.old, change.new, change.by, change.at_ms)
        for change in await AuditLog(database).list_newest(GUILD, 10)
    ]
    assert told == [
        (f"quota/member/{HASH}/tokens/hour", None, "unlimited", None, 2, 9),
        (f"quota/channel/{CHANNEL}/images/day", CHANNEL, None, "3", 1, 5),
        (f"quota/member/{HASH}/tokens/hour", None, None, "unlimited", 1, 5),
        ("quota/server/all/messages/day", None, "40", "4", 1, 5),
        ("quota/server/all/messages/day", None, None, "40", 1, 5),
    ]


async def test_rules_go_with_their_server(rules: QuotaLimits, database: Database) -> None:
    departures = LeftGuilds(database)
    await put(rules, SERVER)
    assert await departures.list_known_guilds() == {GUILD}
    await departures.record([GUILD], 1)
    await departures.purge(GUILD, noticed_before_ms=1)
    assert await rules.list_for_guild(GUILD) == []
