"""Every setting that moderators can change, declared once."""

from dataclasses import dataclass
from typing import Final

from bot.caller import Right
from bot.catalogue import ModelKind


@dataclass(frozen=True, slots=True)
class Field:
    """A setting: its name in the store, what members call it, and the right that changing it takes in a channel."""

    name: str
    label: str
    right: Right = Right.MANAGE_CHANNELS


MODELS: Final = {
    ModelKind.CHAT: Field("chat_model", "model for answers"),
    ModelKind.SPEECH: Field("speech_model", "model for speech"),
    ModelKind.IMAGE: Field("image_model", "model for pictures"),
}
