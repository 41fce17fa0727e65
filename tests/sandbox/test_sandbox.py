"""The whole sandbox with the unchanged bot in it."""

from pathlib import Path

import pytest

from sandbox.bot_process import BotProcessDied
from sandbox.discord.voice.tls import get_authority_pem
from sandbox.sandbox import Sandbox


def trusted(sandbox: Sandbox) -> bytes:
    return Path(sandbox.bot_process.settings["SSL_CERT_FILE"]).read_bytes()


async def test_the_bot_gets_ready_keeps_its_directory_and_stops_cleanly(tmp_path: Path) -> None:
    async with Sandbox(directory=tmp_path) as sandbox:
        assert sandbox.bot_process.running
        assert sandbox.discord.commands.find("ask") is not None
        assert await sandbox.restart() == 0
        assert sandbox.discord.gateway.readies == 2
        assert sandbox.bot_process.directory == tmp_path
        assert get_authority_pem() in trusted(sandbox)
    assert sandbox.bot_process.exit_status == 0
    assert (tmp_path / "data" / "bot.db").exists()


async def test_a_bot_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with pytest.raises(BotProcessDied, match=r"status 2[\s\S]*LOG_LEVEL"):
        async with Sandbox({"LOG_LEVEL": "shouting"}, directory=tmp_path):
            pass


async def test_somebody_new_may_join() -> None:
    async with Sandbox() as sandbox:
        newcomer = sandbox.join("Dora")
        used = await newcomer.command("/help")
        assert await used.until_acknowledged() < 3
        assert sandbox.user("dora").id == newcomer.id


async def test_a_bot_of_two_shards_is_ready_when_both_are() -> None:
    async with Sandbox(shards=2) as sandbox:
        assert sorted(session.shard for session in sandbox.discord.gateway.sessions) == [0, 1]
        used = await sandbox.user("Ada").command("/help", channel="dm")
        assert await used.until_acknowledged() < 3
