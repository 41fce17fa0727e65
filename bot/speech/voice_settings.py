"""The voice and speed that a member chose for what they have said aloud."""

import logging
import re
from dataclasses import dataclass
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import InvalidOption
from bot.messages import speech as texts
from bot.store.settings import StoredSettings, StoredVoice

logger = logging.getLogger(__name__)

# The six of the API's own document. Other servers have others, so any name of this shape is passed on.
VOICES: Final = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def validate_voice(name: str) -> str:
    """Return `name` as it is sent: an offered voice in any case, another one as typed.

    Raises:
        InvalidOption: no voice could be called that.
    """
    typed = name.strip()
    if typed.lower() in VOICES:
        return typed.lower()
    if not _NAME.fullmatch(typed):
        raise InvalidOption("bad voice", message=texts.invalid_voice([f"`{voice}`" for voice in VOICES]))
    return typed


MIN_SPEED: Final = 0.5
MAX_SPEED: Final = 2.0


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """The voice and speed for a member's text; speed 1.0 is as synthesized. `is_own`: the member chose the voice."""

    name: str
    speed: float
    is_own: bool = False


class MemberVoices:
    """Members' voices, the same in all servers and direct messages. Every method may raise StoreUnavailable."""

    def __init__(self, stored: StoredSettings, clock: Clock, *, default_voice: str) -> None:
        self._stored = stored
        self._clock = clock
        self._default_voice = default_voice

    async def get(self, requester: RequestContext, requested: str | None = None) -> VoiceSettings:
        """Return the requester's voice and speed; `requested`, the command's option, goes before their own voice.

        Raises:
            InvalidOption: no voice could be called that.
        """
        return self._voice(await self._stored.get_voice(requester.user_id), requested)

    async def set(
        self, requester: RequestContext, *, voice: str | None = None, speed: float | None = None
    ) -> VoiceSettings:
        """Store what is given, leave the rest as it is, and return the result.

        Raises:
            InvalidOption: no voice could be called that, or the speed is out of range.
        """
        if voice is not None:
            voice = validate_voice(voice)
        if speed is not None and not MIN_SPEED <= speed <= MAX_SPEED:
            raise InvalidOption("bad speed", message=texts.invalid_speed(MIN_SPEED, MAX_SPEED))
        percent = None if speed is None else round(speed * 100)
        stored_voice = await self._stored.update_voice(
            requester.user_id, voice=voice, speed_percent=percent, at_ms=unix_ms(self._clock.discord_now())
        )
        logger.info("voice chosen", extra={"user": requester.user_id, "percent": stored_voice.speed_percent})
        return self._voice(stored_voice)

    def _voice(self, stored_voice: StoredVoice, requested: str | None = None) -> VoiceSettings:
        name = stored_voice.voice if requested is None else validate_voice(requested)
        return VoiceSettings(
            name or self._default_voice, stored_voice.speed_percent / 100, is_own=stored_voice.voice is not None
        )
