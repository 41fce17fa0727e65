"""A database that cannot be written while the bot runs: plain sentences, nothing broken, and no restart needed."""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.errors import StoreFull, StoreUnavailable, Unstorable
from bot.messages.render import render
from sandbox.bot_process import BotProcess
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from sandbox.sandbox import Sandbox
from tests.support.answer_buttons import STOPPED
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    all_of,
    ask,
    run_command,
    wait_until_final,
    wait_until_started,
)
from tests.support.observations import usage
from tests.support.small_disk import fill_disk, make_room, small_disk

SENTENCE = render(StoreUnavailable.message)
EVERY_KIND = {
    "/ask": {"prompt": "Anyone there?"},
    "/say": {"text": "Hello."},
    "/draw": {"prompt": "a boat"},
    "/usage": {},
    "/help": {},
}

NEED_WRITING = {name: EVERY_KIND[name] for name in ("/ask", "/say", "/draw")}
NEED_NO_WRITING = [
    "/help",
    "/models",
    "/usage",
    "/history show",
    "/history export",
    "/privacy show",
    "/privacy export",
    "/quota list",
    "/persona list",
    "/persona export",
    "/pronounce list",
    "/channel show",
    "/server show",
    "/voice queue",
]


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the database's write lock, as a backup gone wrong would."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(pid: int) -> Iterator[None]:
    """Let no file of a process grow or be written beyond its first bytes."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (512, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def others_rights(folder: Path) -> set[int]:
    return {file.stat().st_mode & 0o077 for file in folder.iterdir()}


def is_sound(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as looking:
        return looking.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture
async def kept(open_sandbox: OpenSandbox, tmp_path: Path) -> tuple[Sandbox, Path]:
    """A sandbox whose database the test can lay hands on."""
    return await open_sandbox(directory=tmp_path), tmp_path / "data" / "bot.db"


async def test_commands_on_a_locked_database_fail_in_time_and_the_next_ones_work(
    kept: tuple[Sandbox, Path],
) -> None:
    sandbox, database = kept
    ada = sandbox.user("Ada")
    with locked(database):
        replies = await all_of(run_command(ada, command, **options) for command, options in EVERY_KIND.items())
        assert {each.text for each in replies} == {SENTENCE}
        assert all(each.private for each in replies)
    assert (await ask(ada, "And now?")).deferred
    assert (await usage(ada))["messages"] == 1
    assert is_sound(database)


async def test_an_answer_that_the_lock_comes_upon_is_shown_and_paid_when_it_is_gone(kept: tuple[Sandbox, Path]) -> None:
    sandbox, database = kept
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4))
    used = await wait_until_started(await ada.command("/ask", prompt="Go on."))
    with locked(database):
        sandbox.openai.faults.release()
        await wait_until_final(used)
        assert used.text == sandbox.openai.calls(CallKind.CHAT)[0].answer
    await sandbox.bot_process.until_logged("write deferred", deadline_s=DEADLINE_S)
    assert (await usage(ada))["messages"] == 1
    assert await sandbox.bot_process.stop() == 0
    assert is_sound(database)


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be set on Linux only")
async def test_a_full_disk_shows_an_error_and_free_space_is_enough_to_continue(kept: tuple[Sandbox, Path]) -> None:
    sandbox, database = kept
    ada = sandbox.user("Ada")
    await ask(ada, "Before.")
    assert sandbox.bot_process.pid is not None
    with full(sandbox.bot_process.pid):
        replies = await all_of(run_command(ada, command, **options) for command, options in EVERY_KIND.items())
        assert {each.text for each in replies} == {SENTENCE}
    assert (await ask(ada, "And now?")).deferred
    assert (await usage(ada))["messages"] == 2
    assert is_sound(database)
    assert await sandbox.bot_process.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be set on Linux only")
async def test_an_answer_that_the_full_disk_comes_upon_is_shown_to_its_end(kept: tuple[Sandbox, Path]) -> None:
    sandbox, database = kept
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4))
    used = await wait_until_started(await ada.command("/ask", prompt="Go on."))
    assert sandbox.bot_process.pid is not None
    with full(sandbox.bot_process.pid):
        sandbox.openai.faults.release()
        assert (await wait_until_final(used)).text == sandbox.openai.calls(CallKind.CHAT)[0].answer
    assert (await ask(ada, "And now?")).deferred
    assert await sandbox.bot_process.stop() == 0
    assert is_sound(database)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of sixteen megabytes, for the bot alone."""
    with small_disk(tmp_path, 16) as place:
        yield place


async def test_on_a_full_disk_what_needs_no_writing_works_and_the_rest_says_so(
    open_sandbox: OpenSandbox, small: Path
) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, directory=small)
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    await ask(ada, "Before.")
    fill_disk(small)
    for command, options in NEED_WRITING.items():
        assert (await run_command(ada, command, **options)).text == render(StoreFull.message)
    for command in NEED_NO_WRITING:
        reply = await run_command(mo, command)
        assert "disk is full" not in reply.text, command
        assert reply.private
    assert sum("database disk full" in line for line in sandbox.bot_process.log) == 1
    twice = await run_command(ada, "/help")
    sandbox.deliver_again(twice)
    await sandbox.bot_process.until_logged("duplicate event ignored", deadline_s=DEADLINE_S)
    make_room(small)
    await ask(ada, "After.")
    assert (await usage(ada))["messages"] == 2
    assert await sandbox.bot_process.stop() == 0
    assert is_sound(small / "data" / "bot.db")


async def test_two_processes_on_a_full_disk_answer_nothing_twice(open_sandbox: OpenSandbox, small: Path) -> None:
    sandbox = await open_sandbox(directory=small)
    await sandbox.start_second()
    fill_disk(small)
    assert (await run_command(sandbox.user("Ada"), "/help")).text == render(StoreFull.message)
    make_room(small)


async def test_an_answer_that_ends_on_a_full_disk_can_be_continued_when_there_is_space(
    open_sandbox: OpenSandbox, small: Path
) -> None:
    sandbox = await open_sandbox(directory=small)
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4))
    used = await wait_until_started(await ada.command("/ask", prompt="Go on."))
    fill_disk(small)
    sandbox.openai.faults.release()
    await wait_until_final(used)
    assert (await run_command(ada, "/history show")).text.count("Go on.") == 0
    make_room(small)
    again = await wait_until_final(await ada.clicks(used.messages[-1], "Regenerate"))
    assert not again.private
    assert (await run_command(ada, "/history show")).text.count("Go on.") >= 1
    await ask(ada, "What did I say?")
    assert "Go on." in str(sandbox.openai.calls(CallKind.CHAT)[-1].messages)


async def test_an_answer_can_be_stopped_and_the_history_leafed_through_on_a_full_disk(
    open_sandbox: OpenSandbox, small: Path
) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, directory=small)
    ada = sandbox.user("Ada")
    for number in range(6):
        await ask(ada, f"Question {number}.")
    shown = await run_command(ada, "/history show")
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4))
    used = await wait_until_started(await ada.command("/ask", prompt="Go on."))
    fill_disk(small)
    await (await ada.clicks(used.messages[-1], "Stop")).until_acknowledged()
    assert (await wait_until_final(used)).text.endswith(STOPPED)
    assert "Question 0." not in shown.text
    await (await ada.clicks(shown.messages[-1], "Older")).until_acknowledged()
    await shown.until(lambda each: "Question 0." in each.text, deadline_s=DEADLINE_S)
    make_room(small)


async def test_a_check_and_a_start_on_a_full_disk_say_so(open_sandbox: OpenSandbox, small: Path) -> None:
    sandbox = await open_sandbox(directory=small)
    await sandbox.bot_process.stop()
    fill_disk(small)
    for words in (("check",), ()):
        child = BotProcess(small, sandbox.bot_process.settings, arguments=("-m", "bot", *words))
        await child.start()
        assert await child.wait() == 1
        assert any("is full; make room on it" in line for line in [*child.output, *child.log])
    make_room(small)


async def test_what_a_member_has_deleted_is_in_no_file_a_moment_later(kept: tuple[Sandbox, Path]) -> None:
    sandbox, database = kept
    ada = sandbox.user("Ada")
    await ask(ada, "The password is swordfish.")
    files = [database, database.with_name("bot.db-wal")]

    def is_on_disk() -> bool:
        return any(b"swordfish" in file.read_bytes() for file in files)

    assert is_on_disk()
    asked = await run_command(ada, "/privacy delete")
    await (await ada.clicks(asked.messages[-1], "Delete everything")).until_acknowledged()
    async with asyncio.timeout(DEADLINE_S):
        while is_on_disk():  # noqa: ASYNC110 - nothing tells of it but the files
            await asyncio.sleep(0.05)


async def test_nobody_else_may_read_any_file_of_the_bots(kept: tuple[Sandbox, Path]) -> None:
    _, database = kept
    assert others_rights(database.parent) == {0}


async def test_a_bot_killed_with_a_full_write_ahead_log_starts_again(kept: tuple[Sandbox, Path]) -> None:
    sandbox, database = kept
    ada: ClientUser = sandbox.user("Ada")
    first = await ask(ada, "Remember this.")
    await sandbox.bot_process.kill()
    assert is_sound(database)
    await sandbox.start()
    await ask(ada, "What was it?")
    assert sandbox.openai.calls(CallKind.CHAT)[-1].messages[-2]["content"] == first.text


async def test_an_id_that_no_database_takes_ends_in_a_sentence(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.state.snowflakes._last = 2**63
    used = await run_command(ada, "/help")
    said = await ada.asks("Hello?")
    await said.until(lambda each: each.messages, deadline_s=DEADLINE_S)
    assert used.text == said.text == render(Unstorable.message)
    assert "Traceback" not in "\n".join(sandbox.bot_process.log)
