"""`python -m bot health`: is the bot on this host at work and connected? For a container's health check.

Each process writes its pulse into its file beside the database; the file's lock tells whether it still lives.
"""

import socket
from collections.abc import Sequence
from typing import Final

from bot.cli.output import write_line
from bot.clock import SystemClock
from bot.liveness import HealthPulse, pulses
from bot.settings import Settings
from bot.store.open import database_path

MAX_PULSE_AGE_S: Final = 45
"""A pulse comes every ten seconds; a process whose event loop stands still misses them."""


def health(settings: Settings) -> int:
    """Print how the bot on this host is; return 0 where one is connected, else 1."""
    found = [pulse for pulse in pulses(database_path(settings.database_url)) if pulse.host == socket.gethostname()]
    healthy, sentence = assess(found, SystemClock().monotonic())
    write_line(sentence)
    return 0 if healthy else 1


def assess(found: Sequence[HealthPulse], now: float) -> tuple[bool, str]:
    """Tell from the pulses of this host whether it is well, and say so; `now` is in seconds of the monotonic clock."""
    if not found:
        return False, "The bot is not running here."
    fresh = [pulse for pulse in found if abs(now - pulse.at) <= MAX_PULSE_AGE_S]
    if not fresh:
        return False, "The bot is running but has stopped responding."
    if not any(pulse.connected for pulse in fresh):
        return False, "The bot is running but not connected to Discord."
    return True, "The bot is connected to Discord."
