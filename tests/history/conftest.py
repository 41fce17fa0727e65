import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.open import open_database
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from tests.history.kept_turns import TURN, Say, SleepClock


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite:///{tmp_path / 'bot.db'}") as opened:
        yield opened


@pytest.fixture
def gone() -> Tombstones:
    return Tombstones()


@pytest.fixture
def conversations(database: Database, gone: Tombstones) -> Conversations:
    return Conversations(database, gone)


@pytest.fixture
def turn_deletion(database: Database, gone: Tombstones) -> TurnDeletion:
    return TurnDeletion(database, gone)


@pytest.fixture
def clock() -> SleepClock:
    return SleepClock()


@pytest.fixture
def say(conversations: Conversations) -> Say:
    """Keeps a turn that differs from the usual one in what is named."""

    async def kept(question: str = "why?", **other: object) -> int | None:
        return await conversations.save(dataclasses.replace(TURN, question=question, **other))

    return kept
