import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kept_turns import TURN, Say, SleepClock

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.gone import Gone
from bot.store.opening import open_database
from bot.store.removals import Removals


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite:///{tmp_path / 'bot.db'}") as opened:
        yield opened


@pytest.fixture
def gone() -> Gone:
    return Gone()


@pytest.fixture
def conversations(database: Database, gone: Gone) -> Conversations:
    return Conversations(database, gone)


@pytest.fixture
def removals(database: Database, gone: Gone) -> Removals:
    return Removals(database, gone)


@pytest.fixture
def clock() -> SleepClock:
    return SleepClock()


@pytest.fixture
def say(conversations: Conversations) -> Say:
    """Keeps a turn that differs from the usual one in what is named."""

    async def kept(question: str = "why?", **other: object) -> int | None:
        return await conversations.save(dataclasses.replace(TURN, question=question, **other))

    return kept
