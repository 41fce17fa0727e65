"""The lease: renewed by one heartbeat, and one function says who is dead."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import StoreUnavailable
from bot.liveness import holding
from bot.process_lease import HEARTBEAT_INTERVAL_S, HEARTBEATS_PER_CLEANUP, LEASE_S, ProcessLease
from bot.store.database import Database
from bot.store.processes import ProcessLeases
from tests.support.clock import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the lease decide alone, as on a machine without file locks and on several machines."""

    def refuse(descriptor: int, *, wait: bool) -> None:
        raise OSError(f"no locks: {descriptor} {wait}")

    monkeypatch.setattr("bot.liveness._lock", refuse)


class Holder:
    """Counts what the heartbeats ask of it, and fails as long as `fails` says."""

    def __init__(self) -> None:
        self.heartbeats = 0
        self.cleanups = 0
        self.former: list[str] = []
        self.fails: Exception | None = None

    async def on_heartbeat(self) -> None:
        self.heartbeats += 1
        if self.fails is not None:
            raise self.fails

    async def delete_old(self) -> None:
        self.cleanups += 1

    async def on_declared_dead(self, former: str) -> None:
        self.former.append(former)


class Process:
    """One of several that share a database."""

    def __init__(self, name: str, database: Database, clock: FakeClock, path: Path) -> None:
        self.holder = Holder()
        self.clock = clock
        self.stack = AsyncExitStack()
        self.lease = ProcessLease(database, clock, self.stack.enter_context(holding(path, name)))

    async def begin(self) -> None:
        """Hold the lease, until the stack is closed."""
        running = self.lease.running(self.holder, on_declared_dead=self.holder.on_declared_dead)
        await self.stack.enter_async_context(running)

    async def beat(self, count: int = 1) -> None:
        await self.clock.pass_sleeps(count, HEARTBEAT_INTERVAL_S)


Start = Callable[[str], Process]


@pytest.fixture
async def start(database: Database, path: Path) -> AsyncIterator[Start]:
    """Processes with a clock each, all at the same moment until a test moves one."""
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(name, database, FakeClock(), path))
        return started[-1]

    yield begin
    for process in started:
        await process.stack.aclose()


@pytest.mark.usefixtures("without_locks")
async def test_a_process_lives_as_long_as_its_heartbeat(start: Start) -> None:
    one, two = start("one"), start("two")
    await one.begin()
    for _ in range(10):
        await one.beat()
        await two.clock.advance(HEARTBEAT_INTERVAL_S)
        assert await two.lease.declare_dead() == []
    await two.clock.advance(LEASE_S - 1)
    assert await two.lease.declare_dead() == []
    await two.clock.advance(1)
    assert await two.lease.declare_dead() == ["one"]


async def test_a_lock_counts_more_than_a_lease(start: Start) -> None:
    one, two = start("one"), start("two")
    await one.begin()
    await two.clock.advance(10 * LEASE_S)
    assert await two.lease.declare_dead() == []
    assert not await two.lease.is_alone()


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize("step", [timedelta(hours=2), timedelta(days=1), timedelta(days=-1)])
async def test_a_clock_that_is_set_declares_no_process_dead(start: Start, step: timedelta) -> None:
    one, two = start("one"), start("two")
    await one.begin()
    two.clock.step(step)
    await two.clock.advance(10 * LEASE_S)
    assert await two.lease.declare_dead() == []


async def test_the_end_of_a_process_takes_its_lease_along(start: Start, database: Database) -> None:
    one = start("one")
    await one.begin()
    assert (await ProcessLeases(database).list_all()).keys() == {"one"}
    await one.stack.aclose()
    assert await ProcessLeases(database).list_all() == {}


async def test_each_heartbeat_reaches_all_and_now_and_then_what_is_old_is_deleted(start: Start) -> None:
    one = start("one")
    await one.begin()
    await one.beat(HEARTBEATS_PER_CLEANUP)
    assert (one.holder.heartbeats, one.holder.cleanups) == (HEARTBEATS_PER_CLEANUP, 1)
    await one.beat()
    assert one.holder.cleanups == 2


@pytest.mark.parametrize("error", [StoreUnavailable("busy"), LookupError("a fault")])
async def test_no_failure_keeps_the_lease_from_being_renewed(
    start: Start, error: Exception, database: Database
) -> None:
    one = start("one")
    await one.begin()
    one.holder.fails = error
    before = await ProcessLeases(database).list_all()
    await one.beat(3)
    after = await ProcessLeases(database).list_all()
    assert after["one"] - before["one"] == 3 * HEARTBEAT_INTERVAL_S * 1000
    assert one.holder.cleanups == 1
    assert one.holder.former == []


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_process_declared_dead_goes_on_under_a_new_name(
    start: Start, database: Database, path: Path, *, is_gone: bool, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = start("one"), start("two")
    leases = ProcessLeases(database)
    await one.begin()
    await one.beat()
    assert one.holder.former == []
    assert await leases.declare_dead("one", (await leases.list_all())["one"])
    if is_gone:
        await leases.delete("one")
    await one.beat()
    name = one.lease.name
    assert name != "one"
    assert one.holder.former == ["one"]
    assert one.holder.heartbeats == 2
    assert (await leases.list_all()).keys() - {"one"} == {name}
    assert {each.name for each in path.parent.glob("*-alive-*")} == {f"bot.db-alive-{name}", "bot.db-alive-two"}
    await two.clock.advance(10 * LEASE_S)
    assert name not in await two.lease.declare_dead()
    await one.beat(2)
    assert one.lease.name == name
    assert [each.message for each in caplog.records].count("declared dead, going on under a new name") == 1


async def test_a_new_name_that_cannot_be_written_is_tried_again(start: Start, path: Path) -> None:
    class Full(ProcessLeases):
        is_full = True

        async def add(self, process: str, until_ms: int) -> None:
            if self.is_full:
                raise StoreUnavailable("full")
            await super().add(process, until_ms)

    one = start("one")
    await one.begin()
    full = one.lease._leases = Full(one.lease._leases._database)
    await full.delete("one")
    await one.beat(2)
    assert (one.lease.name, one.holder.former) == ("one", [])
    full.is_full = False
    await one.beat()
    assert one.holder.former == ["one"]
    assert [each.name for each in path.parent.glob("*-alive-*")] == [f"bot.db-alive-{one.lease.name}"]
    assert (await full.list_all()).keys() == {one.lease.name}
