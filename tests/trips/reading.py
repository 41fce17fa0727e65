"""What trips read off the sandbox: what a command cost, and what was sent for one interaction."""

import re
from collections.abc import Mapping

from bot.sandbox.invocation import Invocation
from bot.sandbox.journal import Exchange
from bot.sandbox.people import Person, Where
from bot.sandbox.sandbox import Sandbox

_AMOUNT = re.compile(r"^- (?P<kind>[a-z ]+): (?P<used>[\d,]+) ", re.MULTILINE)


async def usage(person: Person, where: Where = None) -> Mapping[str, int]:
    """What `/usage` says is gone, by kind; the server's number (in direct messages: theirs) where there are two."""
    shown = await (await person.command("/usage", channel=where)).answered()
    return {found["kind"]: int(found["used"].replace(",", "")) for found in _AMOUNT.finditer(shown.text)}


def sent_for(box: Sandbox, used: Invocation) -> list[Exchange]:
    """What the bot sent for one interaction, in order; the acknowledgement first."""
    return box.journal.find(lambda entry: used.interaction.token in entry.path)


def edits_of(box: Sandbox, used: Invocation) -> list[Exchange]:
    """What the bot sent after the acknowledgement: edits and follow-ups."""
    return [entry for entry in sent_for(box, used) if "/callback" not in entry.path]


def left_in_bucket(entry: Exchange) -> int:
    """What an answer's header says is left for further requests."""
    return int(entry.headers["X-RateLimit-Remaining"])
