"""Which channel is read aloud, and who decides."""

import pytest

from bot.clock import SystemClock
from bot.context import Permission
from bot.errors import MissingPermission, NotInGuild
from bot.guilds.auto_read import AutoRead
from bot.messages.render import render
from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.settings import StoredSettings
from tests.support.requests import make_requester

GUILD, CHANNEL, OTHER = 7, 8, 9
MANAGING = frozenset({Permission.MANAGE_CHANNELS})
HERE_AND_THERE = {CHANNEL: MANAGING, OTHER: MANAGING}.__getitem__
HERE_ONLY = {CHANNEL: MANAGING, OTHER: frozenset[Permission]()}.__getitem__
NOWHERE = {CHANNEL: frozenset[Permission](), OTHER: frozenset[Permission]()}.__getitem__
MO = make_requester(1, "Mo", guild_id=GUILD, channel_id=CHANNEL, permissions=MANAGING)
ADA = make_requester(2, guild_id=GUILD, channel_id=CHANNEL, permissions=frozenset(Permission) - MANAGING)
IN_PRIVATE = make_requester(1, "Mo", guild_id=None, channel_id=99)


@pytest.fixture
def auto_read(database: Database) -> AutoRead:
    return AutoRead(StoredSettings(database), SystemClock())


async def test_one_channel_of_a_server_is_read_until_another_or_none_is(auto_read: AutoRead) -> None:
    assert await auto_read.get(GUILD) is None
    await auto_read.set(MO, CHANNEL, HERE_AND_THERE)
    await auto_read.set(MO, OTHER, HERE_AND_THERE)
    assert await auto_read.get(GUILD) == OTHER
    assert await auto_read.get(GUILD + 1) is None
    assert [await auto_read.clear(MO, HERE_AND_THERE), await auto_read.clear(MO, HERE_AND_THERE)] == [True, False]
    assert await auto_read.get(GUILD) is None


async def test_it_takes_somebody_who_manages_the_channel_that_is_read_and_the_one_that_was(auto_read: AutoRead) -> None:
    for refused in (
        auto_read.set(ADA, CHANNEL, NOWHERE),
        auto_read.set(MO, OTHER, HERE_ONLY),
        auto_read.clear(ADA, NOWHERE),
    ):
        with pytest.raises(MissingPermission):
            await refused
    for refused in (auto_read.set(IN_PRIVATE, CHANNEL, HERE_AND_THERE), auto_read.clear(IN_PRIVATE, HERE_AND_THERE)):
        with pytest.raises(NotInGuild):
            await refused
    assert await auto_read.get(GUILD) is None
    await auto_read.set(MO, OTHER, HERE_AND_THERE)
    for refused in (auto_read.set(MO, CHANNEL, HERE_ONLY), auto_read.clear(MO, HERE_ONLY)):
        with pytest.raises(MissingPermission) as missing:
            await refused
        assert render(missing.value.message).startswith(
            f"You need the **Manage Channels** permission in <#{OTHER}> to do"
        )
    assert await auto_read.get(GUILD) == OTHER


async def test_who_changed_it_is_kept(auto_read: AutoRead, database: Database) -> None:
    await auto_read.set(MO, CHANNEL, HERE_AND_THERE)
    await auto_read.clear(MO, HERE_AND_THERE)
    told = [(each.setting, each.old, each.new, each.by) for each in await AuditLog(database).list_newest(GUILD, 9)]
    assert told == [("read_channel", str(CHANNEL), None, 1), ("read_channel", None, str(CHANNEL), 1)]
