"""What tests in voice channels share: connecting the bot, and listening until it ends."""

import asyncio

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.voice.recording import Recording
from sandbox.sandbox import Sandbox
from tests.support.correlation import RATE, Samples, find, samples_of, trimmed
from tests.support.e2e import DEADLINE_S, run_command, wait_until_final

LOUNGE, OTHER = "Lounge", "Other lounge"

TEXT = "One after the other, these words are heard, and not one of them is lost on the way. "

PACKET_S = 0.02

ENDING = 5
"""Packets of silence that discord.py sends when something was played to its end."""


async def in_the_lounge(sandbox: Sandbox, *people: ClientUser) -> tuple[ClientUser, ...]:
    """Let `people` come into the lounge, and the first of them call the bot."""
    for person in people:
        person.joins_voice(LOUNGE)
    used = await run_command(people[0], "/voice join")
    assert used.private
    assert used.text.startswith(f"I'm in <#{people[0].channel(LOUNGE).id}> now."), used.text
    return people


async def speaking(sandbox: Sandbox, person: ClientUser) -> tuple[InteractionResult, int]:
    """Have a long text said; return as soon as a part of it was heard, with how much was heard before."""
    before = len(sandbox.voice.recording())
    used = await person.command("/say", text=TEXT)
    await sandbox.voice.until(lambda heard: len(heard.audible.speech) > 75, since=before, deadline_s=DEADLINE_S)
    return used, before


def late_packets(sandbox: Sandbox, since: int) -> int:
    """Return how many packets were sent after the end of a call or of its connection, from packet `since` on.

    On a busy machine the client hears of the end late. Those of ended calls are counted from the beginning.
    """
    heard = sandbox.voice.recording(since=since)
    return sandbox.voice.server.late_packets + len(heard) - len(heard.audible)


async def is_whole(used: InteractionResult, sound: Samples, *, lost_s: float = 0.0, late: int = 0) -> None:
    """Check that every half second of the file was heard, in order, but for `lost_s` and `late` packets in all."""
    mp3 = trimmed(samples_of((await wait_until_final(used)).messages[0].attachments[0].data))
    parts = [mp3[at : at + RATE // 2] for at in range(0, len(mp3) - RATE // 2, RATE // 2)]
    found = [find(part, sound) for part in parts]
    good = [each.at_s for each in found if each.correlation > 0.85]
    assert len(good) >= len(parts) - round(2 * lost_s) - int(2 * late * PACKET_S), found
    assert good == sorted(good), found


async def silence(sandbox: Sandbox, *, since: int = 0) -> Recording:
    """Wait until the bot has come to the end of what it says.

    Silent packets alone may be a pause while more sound is on its way; at the end it announces that it speaks no more.
    """

    def ended(heard: Recording) -> bool:
        call = sandbox.voice.call()
        speaking = call is not None and call.speaking
        return bool(heard.speech) and all(each.silent for each in heard.packets[-ENDING:]) and not speaking

    return await sandbox.voice.until(ended, since=since, deadline_s=DEADLINE_S)


async def idle(person: ClientUser) -> None:
    """Wait until nothing is said any more, asking as a member would."""
    async with asyncio.timeout(DEADLINE_S):
        while (await run_command(person, "/voice queue")).text != "I'm not saying anything, and nothing is waiting.":
            pass


async def has_left(sandbox: Sandbox) -> None:
    """Wait until the bot is in no voice channel."""
    await sandbox.voice.changed.until(lambda: sandbox.voice.call() is None, deadline_s=DEADLINE_S, what="leaving")
