"""The form that a message's menu opens, with a bot that starts again, dies, or has a sibling."""

from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from tests.support.context_menus import FORGOTTEN, asks_about, opened
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    INTERRUPTED,
    OpenSandbox,
    question_contains,
    wait_until_final,
    wait_until_started,
)


async def test_a_form_from_before_a_restart_says_that_it_is(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    ada = sandbox.user("Ada")
    message = await ada.says("words")
    form = await opened(ada, message)
    await sandbox.restart()
    used = await wait_until_final(await ada.submits(form, text="what now?"))
    assert used.private
    assert used.text == FORGOTTEN
    again = await asks_about(ada, message, "what now?")
    assert again.text == sandbox.openai.calls(CallKind.CHAT)[-1].answer
    # An answer to a form is marked like any other when its process dies.
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=6), when=question_contains("and then?"))
    broken = await wait_until_started(await ada.submits(await opened(ada, message), text="and then?"))
    await sandbox.bot_process.kill()
    await sandbox.start()
    await broken.until(lambda each: INTERRUPTED in each.text, deadline_s=DEADLINE_S)


async def test_a_form_is_answered_by_the_process_that_knows_its_message(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    await sandbox.start_second()
    ada = sandbox.user("Ada")
    message = await ada.says("words")
    for number in range(6):
        used = await asks_about(ada, message, f"question {number}")
        assert used.text == sandbox.openai.calls(CallKind.CHAT)[-1].answer
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 6
