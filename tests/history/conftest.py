import dataclasses
from typing import Any

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from tests.history.stored_turns import TURN, Say


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
def say(conversations: Conversations) -> Say:
    """Keeps a turn that differs from the usual one in what is named."""

    async def kept(question: str = "why?", **other: Any) -> int | None:
        return await conversations.save(dataclasses.replace(TURN, question=question, **other))

    return kept
