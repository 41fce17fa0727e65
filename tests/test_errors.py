"""The tree of errors that `bot.errors` draws."""

import re
from pathlib import Path

from bot import errors


def test_the_drawn_tree_shows_every_error() -> None:
    root = Path(errors.__file__).parent.parent
    sources = [path.read_text() for folder in ("bot", "cogs") for path in (root / folder).rglob("*.py")]
    bases = {"BotError": ""}
    found = [pair for text in sources for pair in re.findall(r"^class (\w+)\((\w+)\):", text, re.MULTILINE)]
    while new := {name: base for name, base in found if base in bases and name not in bases}:
        bases |= new
    drawn = set(re.findall(r"\w+", errors.__doc__ or ""))
    assert len(bases) > 40
    assert bases.keys() <= drawn
