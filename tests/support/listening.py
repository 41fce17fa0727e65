"""What trips into voice channels share: getting the bot in, and hearing it to its end."""

import asyncio

from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.voice.heard import Heard
from tests.support.trip_box import DEADLINE_S, use

LOUNGE, OTHER = "Lounge", "Other lounge"

ENDING = 5
"""Packets of silence that discord.py sends when something was played to its end."""


async def in_the_lounge(box: Sandbox, *people: Person) -> tuple[Person, ...]:
    """Let `people` come into the lounge, and the first of them call the bot."""
    for person in people:
        person.joins_voice(LOUNGE)
    used = await use(people[0], "/voice join")
    assert used.private
    assert used.text.startswith(f"I'm in <#{people[0].place(LOUNGE).id}> now."), used.text
    return people


async def silence(box: Sandbox, *, since: int = 0) -> Heard:
    """Wait until the bot has come to the end of what it says, or to a pause in it."""
    return await box.voice.until(
        lambda heard: bool(heard.speech) and all(each.silent for each in heard.packets[-ENDING:]),
        since=since,
        deadline_s=DEADLINE_S,
    )


async def idle(person: Person) -> None:
    """Wait until nothing is said any more, asking as a member would."""
    async with asyncio.timeout(DEADLINE_S):
        while (await use(person, "/voice queue")).text != "I'm not saying anything, and nothing waits.":
            pass
