"""The program from outside: what `python -m bot` says, and the exit status it leaves."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.messages.operator import start_failed
from bot.messages.render import render
from sandbox.bot_process import CHECKOUT, BotProcess
from sandbox.client.interaction_result import InteractionResult
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Fault, Hang, Stall
from sandbox.openai.server import OpenAiServer
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, INTERRUPTED, ask, wait_until_final, wait_until_started

SECRETS = {
    "DISCORD_TOKEN": "MTAzNDU2Nzg5MDEyMzQ1Njc4OQ.token-that.nobody-may-see",
    "MULTIAPPAI_API_KEY": "key-that-nobody-may-see",
}
NOBODY_LISTENS = "http://127.0.0.1:9/v10"
A_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+Z [A-Z]+ ")


async def _run(directory: Path, settings: Mapping[str, str], *words: str) -> BotProcess:
    """Run the program to its end."""
    child = BotProcess(directory, settings, arguments=("-m", "bot", *words))
    await child.start()
    await child.wait()
    return child


def _said(child: BotProcess) -> list[str]:
    """What it wrote to standard error beside the log."""
    return [line for line in child.log if not A_LOG_LINE.match(line)]


async def test_four_bad_settings_are_told_in_four_lines_without_a_secret(tmp_path: Path) -> None:
    bad = {"LOG_LEVEL": "LOUD", "HISTORY_TURNS": "many", "QUOTA_MEMBER_IMAGES_PER_DAY": "-1"}
    token = {"DISCORD_TOKEN": f"Bot {SECRETS['DISCORD_TOKEN']}"}
    child = await _run(tmp_path, {**SECRETS, **token, **bad})
    assert child.exit_status == 2
    assert sorted(line.split(":")[0] for line in child.log) == sorted([*token, *bad])
    assert all("expected" in line for line in child.log)
    assert not any(value in "\n".join(child.log) for value in [*SECRETS.values(), *bad.values()])
    assert list(child.output) == []


async def test_the_sandbox_is_said_to_be_missing_where_it_is_not_installed(tmp_path: Path) -> None:
    for package in ("bot", "cogs"):
        (tmp_path / package).symlink_to(CHECKOUT / package)
    child = await _run(tmp_path, {"PYTHONPATH": ""}, "sandbox", "--tour")
    assert child.exit_status == 2
    assert list(child.log) == ["The sandbox isn't installed here. Run it from a checkout of the bot's repository."]
    assert list(child.output) == []


async def test_secrets_that_are_not_set_are_told_both_at_once(tmp_path: Path) -> None:
    child = await _run(tmp_path, {"DISCORD_TOKEN": ""})
    assert child.exit_status == 2
    assert [line.split(":")[0] for line in child.log] == ["DISCORD_TOKEN", "MULTIAPPAI_API_KEY"]
    assert all("is not set" in line for line in child.log)


async def test_a_refused_token_is_told_in_one_line(tmp_path: Path) -> None:
    state = DiscordState()
    state.populate()
    async with DiscordServer(state) as discord:
        child = await _run(tmp_path, {**SECRETS, "DISCORD_API_BASE_URL": discord.base_url})
    assert child.exit_status == 2
    assert _said(child) == ["DISCORD_TOKEN: Discord refused it; expected the bot's token from the developer portal"]
    assert not any(value in "\n".join(child.log) for value in SECRETS.values())


async def test_discord_out_of_reach_is_tried_again_and_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    child = BotProcess(tmp_path, {**SECRETS, "DISCORD_API_BASE_URL": NOBODY_LISTENS})
    await child.start()
    await child.changed.until(lambda: len(_unreachable(child)) >= 2, deadline_s=DEADLINE_S, what="a second attempt")
    assert await child.stop() == 0
    assert all("retry_in_s" in line for line in _unreachable(child))
    assert _said(child) == []
    assert not any(value in "\n".join(child.log) for value in SECRETS.values())


async def test_a_database_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database at all, but somebody's notes")
    child = await _run(tmp_path, {**SECRETS, "DATABASE_URL": "sqlite:///notes.txt"})
    assert child.exit_status == 1
    assert _said(child) == list(child.log)
    (sentence,) = _said(child)
    assert "is not a SQLite database" in sentence
    assert (tmp_path / "notes.txt").read_text() == "no database at all, but somebody's notes"


async def test_an_unknown_word_is_answered_with_the_usage(tmp_path: Path) -> None:
    child = await _run(tmp_path, SECRETS, "dance")
    assert child.exit_status == 2
    assert child.log[0].startswith("usage: python -m bot")
    assert "dance" in child.log[-1]


async def test_help_needs_no_settings(tmp_path: Path) -> None:
    child = await _run(tmp_path, {}, "--help")
    assert child.exit_status == 0
    assert "sandbox" in "\n".join(child.output)
    assert list(child.log) == []


async def test_a_dotenv_file_in_the_working_directory_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    key = "key-from-the-file"
    (tmp_path / ".env").write_text(
        f"MULTIAPPAI_API_KEY={key}\nDISCORD_TOKEN=from-the-file\nDEFAULT_CHAT_MODEL=gpt-4o\nHISTORY_TURNS=none\n"
    )
    # The token and the turns are the environment's; an empty variable counts as unset, so the key is the file's.
    env = {"HISTORY_TURNS": "1", "MULTIAPPAI_API_KEY": ""}
    async with Sandbox(env, openai=OpenAiServer(key=key), directory=tmp_path) as sandbox:
        await ask(sandbox.user("Ada"), "Who are you?")
        (call,) = sandbox.openai.calls(CallKind.CHAT)
        assert (call.status, call.body["model"]) == (200, "gpt-4o")


async def test_lines_of_a_dotenv_file_that_cannot_be_meant_are_told_one_each(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('ALLOWED_GUILDS="123456789012345678\nBLOCKED_USERS: 1\nALLOW_DM=false\n')
    child = await _run(tmp_path, SECRETS)
    assert child.exit_status == 2
    assert [line.split(":")[0] for line in child.log] == ["ALLOWED_GUILDS", "BLOCKED_USERS", "ALLOW_DM"]
    assert "ALLOW_DMS" in child.log[-1]


async def test_foreign_names_in_a_dotenv_file_are_one_log_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=bot\nTZ=UTC\n")
    child = await _run(tmp_path, {**SECRETS, "DATABASE_URL": "sqlite:////proc/none/bot.db"})
    assert child.exit_status == 1
    assert [line for line in child.log if A_LOG_LINE.match(line) and "COMPOSE_PROJECT_NAME and TZ" in line] == [
        child.log[0]
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_answer_that_streams_when_the_bot_is_stopped_keeps_its_text_and_says_so(
    number: signal.Signals,
) -> None:
    async with Sandbox({"SHUTDOWN_GRACE_SECONDS": "0"}) as sandbox:
        sandbox.openai.script(["One ", "two ", "three ", "four ", "five."])
        answer = await wait_until_started(await _used(sandbox, CallKind.CHAT, Stall(after=4), "/ask", prompt="Count."))
        assert await _stopped(sandbox, number) == 0
        shown, note = answer.text.split("\n")
        assert "One two three".startswith(shown)
        assert note == INTERRUPTED
        assert _said(sandbox.bot_process) == []
        assert sandbox.openai.calls(CallKind.CHAT)[0].closed_early_at is not None


@pytest.mark.parametrize(
    ("kind", "command", "options"),
    [
        (CallKind.CHAT, "/ask", {"prompt": "Why?"}),
        (CallKind.SPEECH, "/say", {"text": "Hello there."}),
        (CallKind.IMAGES, "/draw", {"prompt": "a boat"}),
    ],
)
async def test_nobody_is_left_waiting_for_something_that_had_not_begun_when_the_bot_is_stopped(
    kind: CallKind, command: str, options: Mapping[str, str]
) -> None:
    async with Sandbox({"SHUTDOWN_GRACE_SECONDS": "0"}) as sandbox:
        used = await _used(sandbox, kind, Hang(), command, **options)
        assert await _stopped(sandbox, signal.SIGTERM) == 0
        assert used.text == "I'm just restarting. Please try again in a minute."
        assert _said(sandbox.bot_process) == []


async def test_an_answer_may_be_finished_after_the_signal_while_new_commands_are_turned_away() -> None:
    async with Sandbox({"SHUTDOWN_GRACE_SECONDS": "60"}) as sandbox:
        answer = await wait_until_started(await _used(sandbox, CallKind.CHAT, Stall(), "/ask", prompt="Why?"))
        assert sandbox.bot_process.pid is not None
        os.kill(sandbox.bot_process.pid, signal.SIGTERM)
        await sandbox.bot_process.changed.until(
            lambda: any("stopping" in line for line in sandbox.bot_process.log),
            deadline_s=DEADLINE_S,
            what="the signal",
        )
        late = await wait_until_final(await sandbox.user("Ben").command("/ask", prompt="Am I too late?"))
        assert late.private
        assert "restarting" in late.text
        assert not sandbox.bot_process.exit_status
        sandbox.openai.faults.release()
        assert await sandbox.bot_process.wait() == 0
        assert answer.text == sandbox.openai.calls(CallKind.CHAT)[0].answer
        assert len(sandbox.openai.calls(CallKind.CHAT)) == 1


async def test_a_bot_with_nothing_to_do_stops_at_once_whatever_the_grace() -> None:
    async with Sandbox({"SHUTDOWN_GRACE_SECONDS": "600"}) as sandbox:
        assert await _stopped(sandbox, signal.SIGTERM) == 0
        assert _said(sandbox.bot_process) == []


async def test_a_signal_ends_a_bot_that_discord_keeps_waiting(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def keep_waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with _listening(keep_waiting) as base_url:
        child = BotProcess(tmp_path, {**SECRETS, "DISCORD_API_BASE_URL": base_url})
        await child.start()
        await asyncio.wait_for(asked.wait(), DEADLINE_S)
        assert await child.stop() == 0
    assert _said(child) == []


async def test_a_discord_that_hangs_up_is_tried_again(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with _listening(hang_up) as base_url:
        child = BotProcess(tmp_path, {**SECRETS, "DISCORD_API_BASE_URL": base_url})
        await child.start()
        await child.until_logged("can't be reached", deadline_s=DEADLINE_S)
        assert await child.stop() == 0
    assert _said(child) == []


async def test_a_start_that_breaks_says_so_and_the_log_says_where(tmp_path: Path) -> None:
    async def answer_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await reader.read()
        writer.close()

    async with _listening(answer_nonsense) as base_url:
        child = await _run(tmp_path, {**SECRETS, "DISCORD_API_BASE_URL": base_url})
    assert child.exit_status == 1
    assert child.log[-1] == render(start_failed("KeyError"))
    (failure,) = [line for line in child.log if "start failed" in line]
    assert "KeyError" in failure


async def test_discord_back_in_reach_is_served_without_a_restart() -> None:
    async with Sandbox() as sandbox:
        await sandbox.bot_process.stop()
        identified = sandbox.discord.gateway.readies
        async with sandbox.discord.offline():
            await sandbox.bot_process.start()
            await sandbox.bot_process.until_logged("can't be reached", deadline_s=DEADLINE_S)
        await sandbox.traffic_log.changed.until(
            lambda: sandbox.discord.gateway.readies > identified, deadline_s=DEADLINE_S, what="the bot"
        )
        assert (await ask(sandbox.user("Ada"), "Are you back?")).text
        assert sandbox.discord.gateway.readies == identified + 1


def _unreachable(child: BotProcess) -> list[str]:
    return [line for line in child.log if "can't be reached" in line]


@asynccontextmanager
async def _listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that is no Discord; its REST base."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v10"


async def _used(sandbox: Sandbox, kind: CallKind, fault: Fault, command: str, **options: str) -> InteractionResult:
    """Use a command that meets a fault, and wait until the API was asked."""
    sandbox.openai.faults.next(kind, fault)
    used = await sandbox.user("Ada").command(command, options)
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(kind)) == 1, DEADLINE_S)
    return used


async def _stopped(sandbox: Sandbox, number: signal.Signals) -> int:
    """Send the bot a signal; its exit status."""
    assert sandbox.bot_process.pid is not None
    os.kill(sandbox.bot_process.pid, number)
    return await asyncio.wait_for(sandbox.bot_process.wait(), DEADLINE_S)
