import asyncio
import logging
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable, Unstorable
from bot.messages.render import render
from bot.store.database import Database, Transaction
from bot.store.open import open_database
from bot.store.sqlite import BUSY_TIMEOUT_MS

SET = "INSERT INTO settings VALUES ('server', ?, ?, ?, NULL, 0, 0)"
VALUES = "SELECT name, value FROM settings WHERE scope = 'server' AND subject_id = ? ORDER BY name"


async def kept(database: Database, subject: int = 1) -> list[tuple[str, str]]:
    return await database.read(lambda transaction: transaction.fetch_all(VALUES, (subject,)))


async def put(transaction: Transaction, value: str = "value", subject: int = 1) -> int:
    return await transaction.execute(SET, (subject, "name", value))


async def test_what_is_written_can_be_read(database: Database) -> None:
    assert await database.write(put) == 1
    assert await kept(database) == [("name", "value")]


async def test_a_fault_in_the_work_undoes_all_of_it(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await put(transaction)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await kept(database) == []


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="SQLITE_READONLY"):
        await database.read(put)
    assert await kept(database) == []


async def test_a_read_does_not_wait_for_a_write_and_sees_what_was_before(database: Database) -> None:
    async def work(transaction: Transaction) -> list[tuple[str, str]]:
        await put(transaction)
        return await kept(database)

    assert await database.write(work) == []
    assert await kept(database) == [("name", "value")]


async def test_many_rows_are_asked_for_in_one_go(database: Database) -> None:
    async def work(transaction: Transaction) -> list[object]:
        await transaction.execute_many(SET, [(1, "a", "x"), (1, "b", "y"), (2, "a", "z")])
        return list(await transaction.fetch_each(VALUES, [(2,), (3,), (1,)]))

    assert await database.write(work) == [("a", "z"), None, ("a", "x")]


Point = Callable[[int], object]


async def write_pair(database: Database, subject: int, at: Point) -> None:
    """Write two rows that belong together; `at` is told each place that the transaction comes to."""

    async def work(transaction: Transaction) -> None:
        at(1)
        await transaction.execute(SET, (subject, "a", "x"))
        at(2)
        await transaction.execute(SET, (subject, "b", "y"))
        at(3)
        asyncio.get_running_loop().call_soon(at, 4)  # by then COMMIT is on its way

    await database.write(work)


@pytest.mark.parametrize("place", [1, 2, 3, 4], ids=["after BEGIN", "between", "before COMMIT", "during COMMIT"])
async def test_a_cancelled_caller_leaves_a_whole_transaction_behind(database: Database, place: int) -> None:
    def at(here: int) -> None:
        if here == place:
            caller.cancel()

    caller = asyncio.create_task(write_pair(database, 1, at))
    with pytest.raises(asyncio.CancelledError):
        await caller
    await database.write(lambda transaction: put(transaction, subject=2))
    assert await kept(database, 1) == [("a", "x"), ("b", "y")]
    assert await kept(database, 2) == [("name", "value")]


async def test_a_caller_cancelled_in_line_still_gets_its_write_done(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        waiting.cancel()
        await put(transaction)

    first = asyncio.create_task(database.write(work))
    waiting = asyncio.create_task(write_pair(database, 2, lambda here: None))
    await first
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await database.write(lambda transaction: put(transaction, subject=3))
    assert await kept(database, 2) == [("a", "x"), ("b", "y")]


async def test_four_hundred_callers_cancelled_anywhere_leave_no_half_transaction(database: Database) -> None:
    dice = random.Random(2026)
    callers: dict[int, asyncio.Task[None]] = {}

    def cancel_at(subject: int, place: int) -> Point:
        return lambda here: callers[subject].cancel() if here == place else None

    for subject in range(400):
        callers[subject] = asyncio.create_task(write_pair(database, subject, cancel_at(subject, dice.randint(1, 5))))
    outcomes = await asyncio.gather(*callers.values(), return_exceptions=True)
    await database.write(lambda transaction: put(transaction, subject=400))
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError, type(None)}
    assert [await kept(database, subject) for subject in callers] == [[("a", "x"), ("b", "y")]] * 400


async def test_a_cancelled_reader_leaves_no_transaction_open(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        reader.cancel()
        await transaction.fetch_all(VALUES, (1,))

    reader = asyncio.create_task(database.read(work))
    with pytest.raises(asyncio.CancelledError):
        await reader
    await database.write(put)
    assert await kept(database) == [("name", "value")]


async def test_a_failure_that_nobody_hears_of_is_logged(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async def work(transaction: Transaction) -> None:
        caller.cancel()
        await transaction.execute("SELECT 1")
        raise LookupError

    caller = asyncio.create_task(database.write(work))
    with pytest.raises(asyncio.CancelledError):
        await caller
    await database.write(put)
    assert [(each.message, each.__dict__["error"]) for each in caplog.records] == [
        ("background task failed", "LookupError")
    ]


async def test_closing_waits_for_a_transaction_whose_caller_was_cancelled(path: Path) -> None:
    started = asyncio.Event()
    async with open_database(f"sqlite:///{path}") as database:
        caller = asyncio.create_task(write_pair(database, 1, lambda here: started.set()))
        await started.wait()
        caller.cancel()
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.write(put)
    async with open_database(f"sqlite:///{path}") as database:
        assert await kept(database) == [("a", "x"), ("b", "y")]


@pytest.fixture
async def impatient(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Give a database that waits 10 ms for other processes."""
    monkeypatch.setattr("bot.store.sqlite.BUSY_TIMEOUT_MS", 10)
    async with open_database(f"sqlite:///{path}") as database:
        yield database


async def test_another_process_that_keeps_it_locked_is_a_plain_fault_and_passes(
    impatient: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            await impatient.write(put)
    assert await impatient.write(put) == 1
    assert "database" in render(caught.value.message)
    assert [
        "SQLITE_BUSY" in vars(record)["detail"] for record in caplog.records if record.msg == "transaction failed"
    ] == [True]


async def test_two_processes_write_in_turns(impatient: Database, path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as other:
        await other.write(lambda transaction: put(transaction, subject=1))
        await impatient.write(lambda transaction: put(transaction, subject=2))
        assert await kept(other, 2) == await kept(impatient, 1) == [("name", "value")]


async def test_nobody_writes_between_what_a_writer_reads_and_what_it_writes(impatient: Database, path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as other:

        async def work(transaction: Transaction) -> int:
            await transaction.fetch_all(VALUES, (1,))
            with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
                await impatient.write(put)
            return await put(transaction)

        assert await other.write(work) == 1
        assert await kept(impatient) == [("name", "value")]


async def test_a_full_disk_is_a_plain_fault_and_passes(database: Database) -> None:
    async def limit(transaction: Transaction, pages: int) -> None:
        await transaction.fetch_all(f"PRAGMA max_page_count = {pages}")

    await database.write(lambda transaction: limit(transaction, 1))  # SQLite takes what there is for the least
    with pytest.raises(StoreUnavailable, match="SQLITE_FULL"):
        await database.write(lambda transaction: put(transaction, "long" * 10_000))
    await database.write(lambda transaction: limit(transaction, 1_000_000))
    assert await database.write(lambda transaction: put(transaction, "long" * 10_000)) == 1


async def test_no_log_tells_what_was_written(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    await database.write(lambda transaction: put(transaction, "a secret wish"))
    with pytest.raises(StoreUnavailable, match="SQLITE_CONSTRAINT"):
        await database.write(lambda transaction: put(transaction, "a secret wish"))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("bot")]
    assert len(told) == 1
    assert "secret" not in caplog.text
    assert not any("secret" in getattr(record, "detail", "") for record in caplog.records)


async def test_after_one_long_wait_for_a_lock_the_next_do_not_wait_as_long(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(4 * BUSY_TIMEOUT_MS / 1000):
            outcomes = await asyncio.gather(*(database.write(noop) for _ in range(5)), return_exceptions=True)
        other.execute("ROLLBACK")
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 5
    await database.write(noop)


async def noop(_: Transaction) -> None:
    """Change nothing; the lock is taken all the same."""


@pytest.mark.parametrize(
    "number", [2**63, 2**64 - 1, -(2**63) - 1, 10**5000], ids=["first over", "unsigned", "under", "huge"]
)
async def test_an_integer_that_does_not_fit_is_an_error_of_the_stores_own(database: Database, number: int) -> None:
    for work in (
        lambda transaction: put(transaction, subject=number),
        lambda transaction: transaction.fetch_all(VALUES, (number,)),
        lambda transaction: transaction.fetch_each(VALUES, [(1,), (number,)]),
        lambda transaction: transaction.execute_many(SET, [(1, "a", "x"), (number, "b", "y")]),
    ):
        with pytest.raises(Unstorable):
            await database.write(work)
    assert await kept(database) == []
    assert await database.write(put) == 1


async def test_half_a_character_is_an_error_of_the_stores_own(database: Database) -> None:
    with pytest.raises(Unstorable):
        await database.write(lambda transaction: put(transaction, "\ud83d"))
