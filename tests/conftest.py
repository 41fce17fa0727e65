"""Fixtures of all tests, and how tests share the machine: how many processes there are, and which runs alone."""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.store.database import Database
from bot.store.open import open_database
from bot.workers.pool import DecodingWorkers
from tests.support.clock import FakeClock

# How long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use two more than there are cores, since end-to-end tests mostly wait; none for what a single file holds."""
    named = [Path(each.split("::")[0]) for each in config.args]
    if len(named) == 1 and named[0].is_file():
        return 0
    return (os.cpu_count() or 1) + 2


@pytest.fixture(autouse=True)
def _machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let a test marked `alone` run while no other process runs one, and the others side by side."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent  # that of all processes
    alone = request.node.get_closest_marker("alone") is not None
    with (folder / "turnstile").open("w") as turnstile, (folder / "machine").open("w") as machine:
        fcntl.flock(turnstile, fcntl.LOCK_EX)  # whoever waits for the others to leave keeps new ones from coming in
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield


@pytest.fixture
async def workers() -> AsyncIterator[DecodingWorkers]:
    """Workers for files and sound, which end with the test."""
    async with DecodingWorkers() as workers:
        yield workers


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only the test moves."""
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where `database` is."""
    return tmp_path / "bot.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """An empty database, which is closed when the test ends."""
    async with open_database(f"sqlite:///{path}") as opened:
        yield opened
