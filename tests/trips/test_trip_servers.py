"""A server that removed the bot is purged after a week; one that is merely unavailable, or came back, never."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.state import DiscordState
from sandbox.sandbox import Sandbox
from tests.support.trip_box import DEADLINE_S, OpenBox, ask, use
from tests.trips.reading import columns_with

WEEK_MS = 7 * 86_400_000


@pytest.fixture
async def box(open_box: OpenBox, tmp_path: Path) -> Sandbox:
    """A sandbox with two servers, Ada in both, and something kept of both."""
    state = DiscordState()
    state.populate()
    other = state.add_guild("Other")
    state.add_member(other, state.user("Ada"))
    state.add_member(other, state.user("Mo"), roles=[state.add_role(other, "Mods", 1 << 4 | 1 << 5)])
    box = await open_box(state=state, directory=tmp_path)
    for name in ("Sandbox", "Other"):
        await ask(box.user("Ada", guild=name), f"tide in {name}")
        await use(box.user("Mo", guild=name), "/channel model", model="gpt-4o")
    return box


def kept(directory: Path) -> Mapping[str, int]:
    """How many turns and settings there are of each server."""
    with closing(sqlite3.connect(f"file:{directory / 'data/bot.db'}?mode=ro", uri=True)) as database:
        rows = database.execute(
            "SELECT guild_id, count(*) FROM (SELECT guild_id FROM turns UNION ALL SELECT guild_id FROM settings)"
            " GROUP BY guild_id"
        )
        return {str(guild_id): count for guild_id, count in rows}


def let_a_week_pass(directory: Path) -> None:
    """Move what was noted a week into the past."""
    with closing(sqlite3.connect(directory / "data/bot.db", isolation_level=None)) as database:
        database.execute("UPDATE departures SET noted_at_ms = noted_at_ms - ?", (WEEK_MS,))


async def restart_after_a_week(box: Sandbox, directory: Path, logged: str) -> None:
    await box.bot_process.stop()
    let_a_week_pass(directory)
    box.bot_process.log.clear()
    await box.start()
    await box.bot_process.until_logged(logged, deadline_s=DEADLINE_S)


def other(box: Sandbox) -> ClientUser:
    return box.user("Ada", guild="Other")


async def test_a_server_that_removed_the_bot_is_purged_after_a_week(box: Sandbox, tmp_path: Path) -> None:
    guild, home = other(box).guild, box.state.guild()
    box.discord.deletions.bot(guild)
    await box.bot_process.until_logged(f"server left guild={guild.id}", deadline_s=DEADLINE_S)
    await box.restart()
    assert kept(tmp_path) == {str(guild.id): 2, str(home.id): 2}
    assert columns_with(tmp_path, guild.id)
    await restart_after_a_week(box, tmp_path, f"server purged guild={guild.id}")
    assert kept(tmp_path) == {str(home.id): 2}
    assert columns_with(tmp_path, guild.id) == []


async def test_a_removal_while_the_bot_was_down_is_noticed_at_the_next_start(box: Sandbox, tmp_path: Path) -> None:
    guild = other(box).guild
    await box.bot_process.stop()
    box.discord.deletions.bot(guild)
    await box.start()
    await box.bot_process.until_logged("servers compared present=1 absent=1", deadline_s=DEADLINE_S)
    assert str(guild.id) in kept(tmp_path)
    await restart_after_a_week(box, tmp_path, f"server purged guild={guild.id}")
    assert str(guild.id) not in kept(tmp_path)


@pytest.mark.parametrize("while_down", [True, False], ids=["while it was down", "before its eyes"])
async def test_a_server_that_is_merely_unavailable_is_never_purged(
    box: Sandbox, tmp_path: Path, while_down: bool
) -> None:
    guild = other(box).guild
    if while_down:
        await box.bot_process.stop()
        box.discord.deletions.outage(guild)
        await box.start()
    else:
        box.discord.deletions.outage(guild)
        await box.bot_process.until_logged("servers compared", deadline_s=DEADLINE_S)
    await restart_after_a_week(box, tmp_path, "servers compared present=2 absent=0")
    assert kept(tmp_path)[str(guild.id)] == 2
    box.discord.deletions.recovery(guild)
    assert (await ask(other(box), "back again")).messages


async def test_a_server_that_took_the_bot_back_is_kept(box: Sandbox, tmp_path: Path) -> None:
    guild = other(box).guild
    box.discord.deletions.bot(guild)
    await box.bot_process.until_logged(f"server left guild={guild.id}", deadline_s=DEADLINE_S)
    box.discord.deletions.bring_back(guild)
    await box.bot_process.until_logged(f"server joined guild={guild.id}", deadline_s=DEADLINE_S)
    await restart_after_a_week(box, tmp_path, "servers compared present=2 absent=0")
    assert kept(tmp_path)[str(guild.id)] == 2


async def test_a_server_that_took_the_bot_back_while_it_was_down_is_kept(box: Sandbox, tmp_path: Path) -> None:
    guild = other(box).guild
    box.discord.deletions.bot(guild)
    await box.bot_process.until_logged(f"server left guild={guild.id}", deadline_s=DEADLINE_S)
    await box.bot_process.stop()
    box.discord.deletions.bring_back(guild)
    await box.start()
    await restart_after_a_week(box, tmp_path, "servers compared present=2 absent=0")
    assert kept(tmp_path)[str(guild.id)] == 2


async def test_a_removal_while_the_session_was_lost_is_noticed(box: Sandbox) -> None:
    guild = other(box).guild
    await box.bot_process.until_logged("servers compared present=2", deadline_s=DEADLINE_S)
    readies = box.discord.gateway.readies
    box.state.guilds[guild.id].members.pop(box.state.bot.id)
    await box.discord.gateway.disconnect_all(forget=True)
    await box.traffic_log.changed.until(
        lambda: box.discord.gateway.readies > readies, deadline_s=DEADLINE_S, what="a new session"
    )
    await box.bot_process.until_logged("servers compared present=1 absent=1", deadline_s=DEADLINE_S)
