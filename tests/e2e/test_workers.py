"""What reads files and sound of others: when it hangs, and when there is nothing to hear."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.errors import InvalidApiResponse
from bot.messages.render import render
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Body
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, ask, mention
from tests.support.listening import idle, in_the_lounge
from tests.support.make_picture import picture
from tests.support.make_sound import SOUNDLESS
from tests.support.observations import usage

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="finds the bot's children in /proc")


def workers_of(pid: int) -> list[int]:
    """The ids of the bot's worker processes."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            if f"\nPPid:\t{pid}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found


async def test_an_answer_that_gives_no_sound_costs_no_speech(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    sandbox.openai.script(["The tide comes in twice a day. ", "It stays for a while."], times=None)
    sandbox.openai.faults.always(CallKind.SPEECH, Body(SOUNDLESS["a tag and a page"], "audio/mpeg"))
    used = await ask(ada, "What of the tides?", speak=True)
    await used.until(lambda each: len(each.messages) == 2, deadline_s=DEADLINE_S)
    assert used.messages[1].content == f"I couldn't say all of it aloud. {render(InvalidApiResponse.message)}"
    await idle(ada)
    assert (await usage(ada))["spoken characters"] == 0


@linux_only
async def test_a_worker_that_hangs_holds_up_neither_a_stop_nor_others(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "0"})
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    shot = {"shot.png": picture(64, 64)}
    await mention(ada, "First?", files=shot)
    pid = sandbox.bot_process.pid
    assert pid is not None
    (worker,) = workers_of(pid)
    os.kill(worker, signal.SIGSTOP)
    # Where people delete the question, what reads its files ends.
    hanging = await ada.asks("And this?", files=shot)
    await ask(ben, "Are you there?")
    ada.deletes(hanging.message)
    await until_gone(worker)
    assert (await mention(ben, "Another?", files=shot)).text == sandbox.openai.calls(CallKind.CHAT)[-1].answer
    # And so does the bot.
    (worker,) = workers_of(pid)
    os.kill(worker, signal.SIGSTOP)
    await ada.asks("And that?", files=shot)
    await ask(ben, "Still there?")
    assert await sandbox.bot_process.stop() == 0
    await until_gone(worker)


async def until_gone(pid: int) -> None:
    """Wait for the end of a process that is not ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(handle, gone.set)
    try:
        await asyncio.wait_for(gone.wait(), DEADLINE_S)
    finally:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
