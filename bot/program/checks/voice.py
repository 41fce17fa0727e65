"""The libraries that sound needs: PyAV for MP3s, davey and PyNaCl for voice channels."""

import importlib
import re
from importlib.metadata import version
from typing import Final

from bot.program.checks.line import Line, fail, ok

NAME: Final = "voice libraries"
LIBRARIES: Final = (("av", "av", (14,)), ("davey", "davey", (0, 1, 7)), ("nacl.secret", "PyNaCl", (1, 6, 2)))
"""Module, distribution, and the first version that does (PyNaCl's earlier ones have a known fault)."""


async def check_voice() -> list[Line]:
    """Import each library and look at its version."""
    found, wrong = [], []
    for module, distribution, needed in LIBRARIES:
        wanted = ".".join(map(str, needed))
        try:
            importlib.import_module(module)
            present = version(distribution)
        except Exception:  # a broken build raises whatever it likes
            wrong.append(f"{distribution} (at least {wanted}) is missing or doesn't load")
            continue
        if tuple(map(int, re.findall(r"\d+", present)[:3])) < needed:
            wrong.append(f"{distribution} is {present}, at least {wanted} is needed")
        found.append(f"{distribution} {present}")
    if wrong:
        return [fail(NAME, f"{'; '.join(wrong)}. Run pip install -r requirements.txt")]
    return [ok(NAME, ", ".join(found))]
