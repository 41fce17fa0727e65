"""A bot that is declared dead in the middle of its work: it says so below its answers, and goes on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from tests.support.e2e import DEADLINE_S, INTERRUPTED, OpenSandbox, all_of, ask, wait_until_final, wait_until_started

DATABASE = Path("data/bot.db")


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_bot_declared_dead_ends_its_answers_and_goes_on(
    open_sandbox: OpenSandbox, tmp_path: Path, *, is_gone: bool
) -> None:
    sandbox = await open_sandbox(directory=tmp_path)
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    sandbox.openai.faults.always(CallKind.CHAT, Stall(after=6))
    used = [await wait_until_started(await person.command("/ask", prompt="Go on.")) for person in (ada, ben)]
    sandbox.openai.faults.clear()
    before = _processes(tmp_path)
    _change(tmp_path, "DELETE FROM processes" if is_gone else "UPDATE processes SET epoch = epoch + 1")
    await sandbox.bot_process.until_logged("declared dead", deadline_s=DEADLINE_S)
    ended = await all_of(wait_until_final(each) for each in used)
    assert [each.text.count(INTERRUPTED) for each in ended] == [1, 1]
    assert INTERRUPTED not in (await ask(ada, "And now?")).text
    after = _processes(tmp_path)
    assert len(after) == 1
    assert before != after
    assert [each.name for each in (tmp_path / "data").glob("*-alive-*")] == [f"bot.db-alive-{after[0]}"]
    assert await sandbox.bot_process.stop() == 0
    assert [each.text.count(INTERRUPTED) for each in used] == [1, 1]
    _assert_nothing_is_left(tmp_path)


async def test_an_answer_that_another_bot_took_over_is_marked_once(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    sandbox = await open_sandbox(directory=tmp_path)
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=6))
    used = await wait_until_started(await sandbox.user("Ada").command("/ask", prompt="Go on."))
    first, (name,) = sandbox.bot_process, _processes(tmp_path)
    second = await sandbox.start_second()
    # As on a machine without locks, after a long pause of the first one.
    (tmp_path / "data" / f"bot.db-alive-{name}").unlink()
    _change(tmp_path, f"UPDATE processes SET epoch = epoch + 1, lease_until_ms = 0 WHERE name = '{name}'")
    await first.until_logged("declared dead", deadline_s=DEADLINE_S)
    await used.until(lambda each: each.text.endswith(INTERRUPTED), deadline_s=DEADLINE_S)
    assert (await ask(sandbox.user("Ben"), "And now?")).text
    assert used.text.count(INTERRUPTED) == 1
    assert len(_processes(tmp_path)) == 2
    assert [await process.stop() for process in (first, second)] == [0, 0]
    _assert_nothing_is_left(tmp_path)


def _processes(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        return [name for (name,) in database.execute("SELECT name FROM processes")]


def _change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        assert database.execute(statement).rowcount == 1


def _assert_nothing_is_left(folder: Path) -> None:
    """Assert what holds once all processes have ended."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        for table in ("processes", "inflight_answers", "reservations WHERE freed_at_ms IS NULL"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)], table
        assert database.execute("SELECT sum(reserved) FROM usage_counters").fetchall() == [(0,)]
    assert list((folder / "data").glob("*-alive-*")) == []
