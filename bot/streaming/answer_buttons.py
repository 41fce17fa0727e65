"""What can be done with an answer while it is read: which buttons stand under it, as plain values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What a button under an answer does."""

    STOP = "stop"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    READ = "read"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class AnswerButtons:
    """The buttons under one message, in their order, and the id of what they act on."""

    actions: tuple[Action, ...] = ()
    target_id: int = 0


NO_BUTTONS: Final = AnswerButtons()
