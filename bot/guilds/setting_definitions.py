"""Every setting that moderators can change, declared once, and where it can be set."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.context import Permission
from bot.models.allowlist import ModelKind


class SettingScope(StrEnum):
    """Where a moderator sets something: for a channel and its threads, or for the whole server."""

    CHANNEL = "channel"
    SERVER = "server"

    @property
    def permission(self) -> Permission:
        """What it takes to see and to change what is set there."""
        return Permission.MANAGE_CHANNELS if self is SettingScope.CHANNEL else Permission.MANAGE_SERVER


@dataclass(frozen=True, slots=True)
class SettingDefinition:
    """A setting: its name in the store, and what members call it."""

    name: str
    label: str


MODELS: Final = {
    ModelKind.CHAT: SettingDefinition("chat_model", "model for answers"),
    ModelKind.SPEECH: SettingDefinition("speech_model", "model for speech"),
    ModelKind.IMAGE: SettingDefinition("image_model", "model for pictures"),
}

PERSONA: Final = SettingDefinition("persona", "persona")

READ_CHANNEL: Final = SettingDefinition("read_channel", "channel read aloud")
"""A channel's id. Only a server has it, and it is changed by `bot.guilds.auto_read`."""

ALL: Final = (*MODELS.values(), PERSONA, READ_CHANNEL)
