"""People who spend, and limits to vary."""

import dataclasses

from bot.caller import Caller
from bot.quotas.rules import Ceilings

ANN, BEN, GUILD = 1, 2, 700

UNLIMITED = Ceilings(
    member_messages=None,
    member_speech_characters=None,
    member_images=None,
    server_messages=None,
    server_tokens=None,
    server_speech_characters=None,
    server_images=None,
)


def caller(user_id: int = ANN, guild_id: int | None = GUILD) -> Caller:
    return Caller(user_id=user_id, name="someone", guild_id=guild_id, channel_id=10, settings_channel_id=10)


def ceilings(**limits: int) -> Ceilings:
    return dataclasses.replace(UNLIMITED, **limits)
