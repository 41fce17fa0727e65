"""The voice and speed that a member chose for what they have said aloud, and what they are spoken with."""

import logging
from dataclasses import dataclass
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import InvalidOption
from bot.speech.voices import checked_voice
from bot.store.voice_settings import StoredVoice, StoredVoices

SLOWEST: Final = 0.5
FASTEST: Final = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Voice:
    """How somebody's text is spoken: by whom, and how fast, 1.0 being as it comes. `chosen`: `name` is their own."""

    name: str
    speed: float
    chosen: bool = False


class VoicePreferences:
    """Members' voices, the same in all servers and direct messages. Every method may raise StoreUnavailable."""

    def __init__(self, stored: StoredVoices, clock: Clock, *, default_voice: str) -> None:
        self._stored = stored
        self._clock = clock
        self._default_voice = default_voice

    async def get(self, caller: RequestContext, asked: str | None = None) -> Voice:
        """Tell what the caller is spoken with: `asked`, the command's own word, goes before their voice.

        Raises:
            InvalidOption: no voice could be called that.
        """
        return self._voice(await self._stored.of_member(caller.user_id), asked)

    async def set(self, caller: RequestContext, *, voice: str | None = None, speed: float | None = None) -> Voice:
        """Keep what is given, leave the rest as it is, and tell what holds then.

        Raises:
            InvalidOption: no voice could be called that, or nobody understands speech at that speed.
        """
        if voice is not None:
            voice = checked_voice(voice)
        if speed is not None and not SLOWEST <= speed <= FASTEST:
            raise InvalidOption(
                "bad speed", sentence=f"The speed has to be from {SLOWEST} to {FASTEST}; at 1 I speak as I do anyway."
            )
        percent = None if speed is None else round(speed * 100)
        held = await self._stored.change(
            caller.user_id, voice=voice, speed_percent=percent, at_ms=unix_ms(self._clock.discord_now())
        )
        log.info("voice chosen", extra={"user": caller.user_id, "percent": held.speed_percent})
        return self._voice(held)

    async def clear(self, caller: RequestContext) -> bool:
        """Go back to the operator's voice at its own speed; whether there was something to take back."""
        return await self._stored.clear(caller.user_id)

    def _voice(self, held: StoredVoice, asked: str | None = None) -> Voice:
        name = held.voice if asked is None else checked_voice(asked)
        return Voice(name or self._default_voice, held.speed_percent / 100, chosen=held.voice is not None)
