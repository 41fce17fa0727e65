"""A database that cannot be written while the bot runs: plain sentences, nothing broken, and no restart needed."""

import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.sandbox.faults import Stall
from bot.sandbox.model_calls import Kind
from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from tests.support.trip_box import DEADLINE_S, OpenBox, all_of, ask, begun, use, whole
from tests.trips.reading import usage

SENTENCE = StoreUnavailable.sentence
EVERY_KIND = {
    "/ask": {"prompt": "Anyone there?"},
    "/say": {"text": "Hello."},
    "/draw": {"prompt": "a boat"},
    "/usage": {},
    "/help": {},
}


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


def is_sound(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as looking:
        return looking.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture
async def kept(open_box: OpenBox, tmp_path: Path) -> tuple[Sandbox, Path]:
    """A sandbox whose database the test can lay hands on."""
    return await open_box(directory=tmp_path), tmp_path / "data" / "bot.db"


async def test_commands_on_a_locked_database_are_told_so_in_time_and_the_next_ones_work(
    kept: tuple[Sandbox, Path],
) -> None:
    box, database = kept
    ada = box.person("Ada")
    with locked(database):
        told = await all_of(use(ada, command, **options) for command, options in EVERY_KIND.items())
        assert {each.text for each in told} == {SENTENCE}
        assert all(each.private for each in told)
    assert (await ask(ada, "And now?")).deferred
    assert (await usage(ada))["messages"] == 1
    assert is_sound(database)


async def test_an_answer_that_the_lock_comes_upon_is_shown_and_paid_when_it_is_gone(kept: tuple[Sandbox, Path]) -> None:
    box, database = kept
    ada = box.person("Ada")
    box.model_api.faults.next(Kind.CHAT, Stall(after=4))
    used = await begun(await ada.command("/ask", prompt="Go on."))
    with locked(database):
        box.model_api.faults.release()
        await whole(used)
        assert used.text == box.model_api.calls(Kind.CHAT)[0].answer
    await box.child.until_logged("to be kept later", deadline_s=DEADLINE_S)
    assert (await usage(ada))["messages"] == 1
    assert await box.child.stop() == 0
    assert is_sound(database)


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be set on Linux only")
async def test_a_full_disk_is_told_of_and_room_on_it_is_enough_to_go_on(kept: tuple[Sandbox, Path]) -> None:
    box, database = kept
    ada = box.person("Ada")
    await ask(ada, "Before.")
    assert box.child.pid is not None
    with full(box.child.pid):
        told = await all_of(use(ada, command, **options) for command, options in EVERY_KIND.items())
        assert {each.text for each in told} == {SENTENCE}
    assert (await ask(ada, "And now?")).deferred
    assert (await usage(ada))["messages"] == 2
    assert is_sound(database)
    assert await box.child.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be set on Linux only")
async def test_an_answer_that_the_full_disk_comes_upon_is_shown_to_its_end(kept: tuple[Sandbox, Path]) -> None:
    box, database = kept
    ada = box.person("Ada")
    box.model_api.faults.next(Kind.CHAT, Stall(after=4))
    used = await begun(await ada.command("/ask", prompt="Go on."))
    assert box.child.pid is not None
    with full(box.child.pid):
        box.model_api.faults.release()
        assert (await whole(used)).text == box.model_api.calls(Kind.CHAT)[0].answer
    assert (await ask(ada, "And now?")).deferred
    assert await box.child.stop() == 0
    assert is_sound(database)


async def test_a_bot_killed_with_a_full_write_ahead_log_starts_again(kept: tuple[Sandbox, Path]) -> None:
    box, database = kept
    ada: Person = box.person("Ada")
    first = await ask(ada, "Remember this.")
    await box.child.kill()
    assert is_sound(database)
    await box.start()
    await ask(ada, "What was it?")
    assert box.model_api.calls(Kind.CHAT)[-1].messages[-2]["content"] == first.text
