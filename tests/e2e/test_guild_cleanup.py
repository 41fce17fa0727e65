"""A server that removed the bot is purged after a week; one that is merely unavailable, or came back, never."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.state import DiscordState
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, OpenSandbox, ask, run_command
from tests.support.observations import columns_with

WEEK_MS = 7 * 86_400_000


@pytest.fixture
async def sandbox(open_sandbox: OpenSandbox, tmp_path: Path) -> Sandbox:
    """A sandbox with two servers, Ada in both, and something kept of both."""
    state = DiscordState()
    state.populate()
    other = state.add_guild("Other")
    state.add_member(other, state.user("Ada"))
    state.add_member(other, state.user("Mo"), roles=[state.add_role(other, "Mods", 1 << 4 | 1 << 5)])
    sandbox = await open_sandbox(state=state, directory=tmp_path)
    for name in ("Sandbox", "Other"):
        await ask(sandbox.user("Ada", guild=name), f"tide in {name}")
        await run_command(sandbox.user("Mo", guild=name), "/channel model", model="gpt-4o")
    return sandbox


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
        database.execute("UPDATE left_guilds SET noticed_at_ms = noticed_at_ms - ?", (WEEK_MS,))


async def restart_after_a_week(sandbox: Sandbox, directory: Path, logged: str) -> None:
    await sandbox.bot_process.stop()
    let_a_week_pass(directory)
    sandbox.bot_process.log.clear()
    await sandbox.start()
    await sandbox.bot_process.until_logged(logged, deadline_s=DEADLINE_S)


def other(sandbox: Sandbox) -> ClientUser:
    return sandbox.user("Ada", guild="Other")


async def test_a_server_that_removed_the_bot_is_purged_after_a_week(sandbox: Sandbox, tmp_path: Path) -> None:
    guild, home = other(sandbox).guild, sandbox.state.guild()
    sandbox.discord.deletions.bot(guild)
    await sandbox.bot_process.until_logged(f"guild left guild={guild.id}", deadline_s=DEADLINE_S)
    await sandbox.restart()
    assert kept(tmp_path) == {str(guild.id): 2, str(home.id): 2}
    assert columns_with(tmp_path, guild.id)
    await restart_after_a_week(sandbox, tmp_path, f"guild data deleted guild={guild.id}")
    assert kept(tmp_path) == {str(home.id): 2}
    assert columns_with(tmp_path, guild.id) == []


async def test_a_removal_while_the_bot_was_down_is_noticed_at_the_next_start(sandbox: Sandbox, tmp_path: Path) -> None:
    guild = other(sandbox).guild
    await sandbox.bot_process.stop()
    sandbox.discord.deletions.bot(guild)
    await sandbox.start()
    await sandbox.bot_process.until_logged("guilds compared present=1 absent=1", deadline_s=DEADLINE_S)
    assert str(guild.id) in kept(tmp_path)
    await restart_after_a_week(sandbox, tmp_path, f"guild data deleted guild={guild.id}")
    assert str(guild.id) not in kept(tmp_path)


@pytest.mark.parametrize("while_down", [True, False], ids=["while it was down", "before its eyes"])
async def test_a_server_that_is_merely_unavailable_is_never_purged(
    sandbox: Sandbox, tmp_path: Path, while_down: bool
) -> None:
    guild = other(sandbox).guild
    if while_down:
        await sandbox.bot_process.stop()
        sandbox.discord.deletions.outage(guild)
        await sandbox.start()
    else:
        sandbox.discord.deletions.outage(guild)
        await sandbox.bot_process.until_logged("guilds compared", deadline_s=DEADLINE_S)
    await restart_after_a_week(sandbox, tmp_path, "guilds compared present=2 absent=0")
    assert kept(tmp_path)[str(guild.id)] == 2
    sandbox.discord.deletions.end_outage(guild)
    assert (await ask(other(sandbox), "back again")).messages


async def test_a_server_that_took_the_bot_back_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    guild = other(sandbox).guild
    sandbox.discord.deletions.bot(guild)
    await sandbox.bot_process.until_logged(f"guild left guild={guild.id}", deadline_s=DEADLINE_S)
    sandbox.discord.deletions.readd_bot(guild)
    await sandbox.bot_process.until_logged(f"guild joined guild={guild.id}", deadline_s=DEADLINE_S)
    await restart_after_a_week(sandbox, tmp_path, "guilds compared present=2 absent=0")
    assert kept(tmp_path)[str(guild.id)] == 2


async def test_a_server_that_took_the_bot_back_while_it_was_down_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    guild = other(sandbox).guild
    sandbox.discord.deletions.bot(guild)
    await sandbox.bot_process.until_logged(f"guild left guild={guild.id}", deadline_s=DEADLINE_S)
    await sandbox.bot_process.stop()
    sandbox.discord.deletions.readd_bot(guild)
    await sandbox.start()
    await restart_after_a_week(sandbox, tmp_path, "guilds compared present=2 absent=0")
    assert kept(tmp_path)[str(guild.id)] == 2


async def test_a_removal_while_the_session_was_lost_is_noticed(sandbox: Sandbox) -> None:
    guild = other(sandbox).guild
    await sandbox.bot_process.until_logged("guilds compared present=2", deadline_s=DEADLINE_S)
    readies = sandbox.discord.gateway.readies
    sandbox.state.guilds[guild.id].members.pop(sandbox.state.bot.id)
    await sandbox.discord.gateway.disconnect_all(forget=True)
    await sandbox.traffic_log.changed.until(
        lambda: sandbox.discord.gateway.readies > readies, deadline_s=DEADLINE_S, what="a new session"
    )
    await sandbox.bot_process.until_logged("guilds compared present=1 absent=1", deadline_s=DEADLINE_S)
