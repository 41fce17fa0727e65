"""Events that Discord delivers twice are answered once, by one process or by two on one database."""

import asyncio
from contextlib import suppress

import pytest

from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, UNLIMITED, OpenSandbox, all_of, ask, mention, wait_until_final

EVENTS = 500
WITHOUT_MEMORY = {**UNLIMITED, "HISTORY_TURNS": "0", "HISTORY_TOKENS": "0"}


async def test_an_interaction_delivered_twice_is_answered_once(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["word "] * 4)
    sandbox.openai.faults.next(CallKind.CHAT, Slow(pace_s=0.05))
    used = await ada.command("/ask", prompt="Once, please.")
    sandbox.deliver_again(used)
    await wait_until_final(used)
    sandbox.deliver_again(used)
    await ask(ada, "And another.")
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 2
    assert len(_callbacks(sandbox)) == 2
    assert len([line for line in sandbox.bot_process.log if "duplicate event" in line]) == 2


async def test_what_was_answered_before_a_restart_is_not_answered_again(sandbox: Sandbox, ada: ClientUser) -> None:
    used = await mention(ada, "Once, please.")  # an interaction expires in three seconds, a restart may take longer
    await sandbox.restart()
    sandbox.deliver_again(used.message)
    await sandbox.bot_process.until_logged("duplicate event", deadline_s=DEADLINE_S)
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 1


@pytest.mark.alone
async def test_five_hundred_events_to_each_of_two_processes_are_five_hundred_answers(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(WITHOUT_MEMORY)
    sibling = await sandbox.start_second()
    people = [sandbox.join(f"Member {number}") for number in range(50)]
    used = []
    for number in range(EVENTS // len(people)):
        asking = [await person.command("/ask", prompt=f"Number {number}") for person in people]
        used += await all_of(wait_until_final(each) for each in asking)
    assert len(used) == EVENTS
    assert all(each.text for each in used)
    assert len(sandbox.openai.calls(CallKind.CHAT)) == EVENTS
    assert len(_callbacks(sandbox)) == EVENTS

    def passed_over() -> int:
        lines = (line for child in (sandbox.bot_process, sibling) for line in child.log)
        return sum("duplicate event ignored" in line or "expired interaction ignored" in line for line in lines)

    for child in (sandbox.bot_process, sibling):  # either may have the last word
        with suppress(TimeoutError):
            await child.changed.until(lambda: passed_over() == EVENTS, deadline_s=2, what="the last to be passed over")
    assert passed_over() == EVENTS


async def test_a_process_that_stops_leaves_new_events_to_its_sibling(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "60"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    first = await ada.command("/ask", prompt="Take your time.")
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 1, DEADLINE_S)
    await sandbox.start_second()
    stopping = asyncio.create_task(sandbox.bot_process.stop(within_s=DEADLINE_S))
    await sandbox.bot_process.until_logged("stopping")
    assert (await ask(ada, "Who is there?")).text == sandbox.openai.calls(CallKind.CHAT)[1].answer
    sandbox.openai.faults.release()
    assert await stopping == 0
    assert (await wait_until_final(first)).text == sandbox.openai.calls(CallKind.CHAT)[0].answer


def _callbacks(sandbox: Sandbox) -> list[object]:
    return [*sandbox.traffic_log.find(lambda entry: entry.template.endswith("/callback"))]
