"""A sandbox for each test: the local Discord and AI service, and the real bot as a child process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from sandbox.client.user import ClientUser
from sandbox.sandbox import Sandbox
from tests.support.e2e import OpenSandbox


@pytest.fixture
async def open_sandbox() -> AsyncIterator[OpenSandbox]:
    """Starts sandboxes with settings of one's own; they are put away when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(env: Mapping[str, str] | None = None, **sandbox: Any) -> Sandbox:
            return await stack.enter_async_context(Sandbox(env, **sandbox))

        yield start


@pytest.fixture
async def sandbox(open_sandbox: OpenSandbox) -> Sandbox:
    """A sandbox with the default settings, running."""
    return await open_sandbox()


@pytest.fixture
def ada(sandbox: Sandbox) -> ClientUser:
    """Somebody with no rights beyond everyone's."""
    return sandbox.user("Ada")


@pytest.fixture
def ben(sandbox: Sandbox) -> ClientUser:
    """Somebody else like that."""
    return sandbox.user("Ben")


@pytest.fixture
def mo(sandbox: Sandbox) -> ClientUser:
    """A moderator."""
    return sandbox.user("Mo")
