import dataclasses

import pytest

from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.left_guilds import LeftGuilds
from bot.store.quota_limits import (
    Kind,
    Limit,
    LimitsFull,
    Period,
    QuotaLimits,
    QuotaLookup,
    Scope,
    list_applicable_limits,
)

GUILD, CHANNEL, ROLE, ANN = 7, 10, 801, 42
HASH = 9_999
SERVER = Limit(Scope.SERVER, None, Kind.MESSAGES, Period.DAY, 40)
MEMBER = Limit(Scope.MEMBER, HASH, Kind.TOKENS, Period.HOUR, None, member_id=ANN)


@pytest.fixture
def rules(database: Database) -> QuotaLimits:
    return QuotaLimits(database)


async def put(rules: QuotaLimits, *wanted: Limit, guild_id: int = GUILD, max_count: int = 100) -> list[Limit | None]:
    return [await rules.set(guild_id, each, max_count=max_count, by=1, at_ms=5) for each in wanted]


async def test_a_rule_is_kept_replaced_and_taken_back(rules: QuotaLimits) -> None:
    stricter = dataclasses.replace(SERVER, max_amount=4)
    assert await put(rules, SERVER, MEMBER, stricter) == [None, None, SERVER]
    assert await rules.list_for_guild(GUILD) == [MEMBER, stricter]
    assert await rules.clear(GUILD, SERVER.key, by=1, at_ms=6) == stricter
    assert await rules.clear(GUILD, SERVER.key, by=1, at_ms=6) is None
    assert await rules.list_for_guild(GUILD) == [MEMBER]


async def test_rules_are_found_where_they_may_bind(rules: QuotaLimits, database: Database) -> None:
    here = [
        SERVER,
        MEMBER,
        Limit(Scope.MEMBER, None, Kind.IMAGES, Period.DAY, 1),
        Limit(Scope.CHANNEL, None, Kind.IMAGES, Period.DAY, 2),
        Limit(Scope.CHANNEL, CHANNEL, Kind.IMAGES, Period.DAY, 3),
        Limit(Scope.ROLE, ROLE, Kind.IMAGES, Period.DAY, 4),
    ]
    await put(
        rules,
        *here,
        Limit(Scope.CHANNEL, 11, Kind.IMAGES, Period.DAY, 5),
        Limit(Scope.MEMBER, 8, Kind.IMAGES, Period.DAY, 6),
    )
    await put(rules, Limit(Scope.SERVER, None, Kind.IMAGES, Period.DAY, 7), guild_id=GUILD + 1)
    found = await database.read(
        lambda transaction: list_applicable_limits(transaction, QuotaLookup(GUILD, CHANNEL, HASH))
    )
    assert sorted(found, key=str) == sorted(here, key=str)
    assert await database.read(lambda transaction: list_applicable_limits(transaction, None)) == []


async def test_there_is_an_end_to_rules_but_not_to_changing_them(rules: QuotaLimits) -> None:
    await put(rules, SERVER, MEMBER, max_count=2)
    with pytest.raises(LimitsFull):
        await put(rules, Limit(Scope.MEMBER, None, Kind.IMAGES, Period.DAY, 1), max_count=2)
    assert await put(rules, dataclasses.replace(SERVER, max_amount=1), max_count=2) == [SERVER]


async def test_a_change_is_kept_with_who_made_it_and_tells_a_member_by_the_hash(
    rules: QuotaLimits, database: Database
) -> None:
    await put(
        rules, SERVER, dataclasses.replace(SERVER, max_amount=4), dataclasses.replace(SERVER, max_amount=4), MEMBER
    )
    await put(rules, Limit(Scope.CHANNEL, CHANNEL, Kind.IMAGES, Period.DAY, 3))
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
