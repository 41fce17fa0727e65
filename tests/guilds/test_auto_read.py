"""Which channel is read aloud, and who decides."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.caller import Caller, Right
from bot.clock import SystemClock
from bot.errors import MissingRight, OutsideServer
from bot.guilds.auto_read import AutoRead
from bot.store.changes import ChangeLog
from bot.store.database import Database
from bot.store.opening import open_database
from bot.store.settings import StoredSettings

GUILD, CHANNEL, OTHER = 7, 8, 9
MANAGING = frozenset({Right.MANAGE_CHANNELS})
MO = Caller(1, "Mo", GUILD, CHANNEL, CHANNEL, MANAGING)
ADA = Caller(2, "Ada", GUILD, CHANNEL, CHANNEL, frozenset(Right) - MANAGING)
IN_PRIVATE = Caller(1, "Mo", None, 99, 99)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite:///{tmp_path / 'bot.db'}") as opened:
        yield opened


@pytest.fixture
def auto_read(database: Database) -> AutoRead:
    return AutoRead(StoredSettings(database), SystemClock())


async def test_one_channel_of_a_server_is_read_until_another_or_none_is(auto_read: AutoRead) -> None:
    assert await auto_read.get(GUILD) is None
    await auto_read.set(MO, CHANNEL, MANAGING)
    await auto_read.set(MO, OTHER, MANAGING)
    assert await auto_read.get(GUILD) == OTHER
    assert await auto_read.get(GUILD + 1) is None
    assert [await auto_read.clear(MO), await auto_read.clear(MO)] == [True, False]
    assert await auto_read.get(GUILD) is None


async def test_it_takes_somebody_who_manages_channels_here_and_there(auto_read: AutoRead) -> None:
    for refused in (auto_read.set(ADA, CHANNEL, MANAGING), auto_read.set(MO, OTHER, frozenset()), auto_read.clear(ADA)):
        with pytest.raises(MissingRight):
            await refused
    for refused in (auto_read.set(IN_PRIVATE, CHANNEL, MANAGING), auto_read.clear(IN_PRIVATE)):
        with pytest.raises(OutsideServer):
            await refused
    assert await auto_read.get(GUILD) is None


async def test_who_changed_it_is_kept(auto_read: AutoRead, database: Database) -> None:
    await auto_read.set(MO, CHANNEL, MANAGING)
    await auto_read.clear(MO)
    told = [(each.setting, each.old, each.new, each.by) for each in await ChangeLog(database).newest(GUILD, 9)]
    assert told == [("read_channel", str(CHANNEL), None, 1), ("read_channel", None, str(CHANNEL), 1)]
