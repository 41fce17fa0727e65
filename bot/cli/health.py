"""`python -m bot health`: whether the bot on this host runs and is connected, for a container's health check.

Each process writes its pulse into its file beside the database; the file's lock shows whether it is alive.
"""

import socket
from collections.abc import Sequence
from typing import Final

from bot.cli.process import write_line
from bot.clock import SystemClock
from bot.liveness import HealthPulse, list_pulses
from bot.messages import operator as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.settings import Settings
from bot.store.open import database_path

MAX_PULSE_AGE_S: Final = 45
"""A pulse is written every ten seconds; a process whose event loop is blocked misses them."""


def health(settings: Settings) -> int:
    """Print the state of the bot on this host; return 0 if it is connected, else 1."""
    pulses = [
        pulse for pulse in list_pulses(database_path(settings.database_url)) if pulse.host == socket.gethostname()
    ]
    healthy, sentence = assess(pulses, SystemClock().monotonic())
    write_line(render(sentence))
    return 0 if healthy else 1


def assess(pulses: Sequence[HealthPulse], now: float) -> tuple[bool, Message]:
    """Return whether the bot of these pulses is healthy, and a sentence; `now` is in seconds of the monotonic clock."""
    if not pulses:
        return False, texts.bot_not_running()
    recent = [pulse for pulse in pulses if abs(now - pulse.at) <= MAX_PULSE_AGE_S]
    if not recent:
        return False, texts.bot_not_responding()
    if not any(pulse.connected for pulse in recent):
        return False, texts.bot_not_connected()
    return True, texts.bot_connected()
