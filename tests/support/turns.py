"""A turn to store, to vary."""

import dataclasses
from typing import Any

from bot.store.turns import NewTurn

ANN, BEN = 1, 2
CHANNEL, THREAD = 10, 11

TURN = NewTurn(
    channel_id=CHANNEL,
    parent_channel_id=None,
    guild_id=7,
    author_id=ANN,
    author_name="Ann",
    private=False,
    fresh=False,
    question="why?",
    answer="because",
    finish_reason="complete",
    model="gpt-4.1",
    prompt_tokens=120,
    answer_tokens=30,
    tokens_estimated=True,
    question_message_id=None,
    answer_message_ids=(501, 502),
    asked_at_ms=1_779_999_990_000,
    created_at_ms=1_780_000_000_000,
)


def make_turn(**changes: Any) -> NewTurn:
    """Return `TURN` with other values."""
    return dataclasses.replace(TURN, **changes)
