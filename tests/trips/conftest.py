"""A sandbox for each trip: the stand-ins with the real bot between them, as a child process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from sandbox.client.user import ClientUser
from sandbox.sandbox import Sandbox
from tests.support.trip_box import OpenBox


@pytest.fixture
async def open_box() -> AsyncIterator[OpenBox]:
    """Starts sandboxes with settings of one's own; they are put away when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(env: Mapping[str, str] | None = None, **sandbox: Any) -> Sandbox:
            return await stack.enter_async_context(Sandbox(env, **sandbox))

        yield start


@pytest.fixture
async def box(open_box: OpenBox) -> Sandbox:
    """A sandbox with the default settings, running."""
    return await open_box()


@pytest.fixture
def ada(box: Sandbox) -> ClientUser:
    """Somebody with no rights beyond everyone's."""
    return box.user("Ada")


@pytest.fixture
def ben(box: Sandbox) -> ClientUser:
    """Somebody else like that."""
    return box.user("Ben")


@pytest.fixture
def mo(box: Sandbox) -> ClientUser:
    """A moderator."""
    return box.user("Mo")
