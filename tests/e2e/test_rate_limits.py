"""Too much at once: a short break for one who is too quick, and a line for answers beyond what may run at once."""

import asyncio
import re
import time

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    DEADLINE_S,
    OpenSandbox,
    all_of,
    ask,
    press_button,
    run_command,
    sent_questions,
    wait_until_final,
)
from tests.support.observations import usage

NEXT = render(answers.next_in_queue())


async def test_the_eleventh_call_within_twelve_seconds_is_a_private_break_with_its_end(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    before = time.time()
    for _ in range(10):
        await ada.completes("/ask", option="model")
        await run_command(ada, "/usage")
    refused = await ask(ada, "One more?")
    assert refused.private
    ends = re.fullmatch(r"That was a lot at once\. You can go on <t:(\d+):R>\.", refused.text)
    assert ends
    assert before + 12 <= int(ends[1]) <= time.time() + 13
    assert sandbox.openai.calls(CallKind.CHAT) == []
    assert (await ask(ben, "May I?")).deferred
    assert await ada.completes("/ask", option="model")


async def test_clicks_and_forms_count_and_in_the_break_do_nothing(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RATE": "2/600"})
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    opened = await (await mo.command("/channel persona")).until(lambda used: used.modal)
    sent = [await (await mo.submits(opened, text=f"persona {number}")).until_answered() for number in (1, 2)]
    assert sent[0].text == "From now on I use that persona in this channel."
    assert "That was a lot at once" in sent[1].text
    await ask(ada, "Who are you?")
    assert sandbox.openai.calls(CallKind.CHAT)[-1].messages[0]["content"].startswith("persona 1\n")
    asking = await run_command(ada, "/privacy delete")
    assert "That was a lot at once" in await press_button(ada, asking, "Delete everything")


async def test_after_the_break_calls_pass_again(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RATE": "2/1"})
    ada = sandbox.user("Ada")
    await all_of(run_command(ada, "/help") for _ in range(2))
    refused = await run_command(ada, "/help")
    assert "You can go on" in refused.text
    async with asyncio.timeout(DEADLINE_S):
        while "Here is what I can do" not in (await run_command(ada, "/help")).text:  # what is refused doesn't count
            pass


async def test_a_members_fourth_answer_waits_says_so_and_starts_when_one_ends(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), times=3)
    running = [await ada.command("/ask", prompt=f"question {number}") for number in range(3)]
    await _asked(sandbox, 3)
    fourth = await _in_line(await ada.command("/ask", prompt="question 3"))
    fifth = await _in_line(await ada.command("/draw", prompt="a boat"))
    assert fourth.text == NEXT
    assert fifth.text == render(answers.position_in_queue(1))
    assert (await fourth.until_acknowledged()) < 3
    sandbox.openai.faults.release()
    await all_of(wait_until_final(used) for used in running)
    await fourth.until(lambda used: "sandbox" in used.text, deadline_s=DEADLINE_S)
    await fifth.until(lambda used: used.messages[0].attachments, deadline_s=DEADLINE_S)


async def test_a_channel_runs_as_many_as_it_may_and_the_rest_follow_in_order(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"CHANNEL_RUNNING": "2"})
    sandbox.openai.faults.always(CallKind.CHAT, Hang())
    people = [sandbox.user(name) for name in ("Ada", "Ben", "Cleo", "Mo")]
    used = []
    for number, person in enumerate(people):
        used.append(await person.command("/ask", prompt=f"question {number}", channel="a thread"))
        await (used[-1].until_acknowledged() if number < 2 else _in_line(used[-1]))
    await _asked(sandbox, 2)
    elsewhere = await people[0].command("/ask", prompt="elsewhere", channel="#random")
    await _asked(sandbox, 3)
    sandbox.openai.faults.clear()
    sandbox.openai.faults.release()
    await all_of(wait_until_final(each) for each in [used[0], used[1], elsewhere])
    await all_of(each.until(lambda it: "sandbox" in it.text, deadline_s=DEADLINE_S) for each in used[2:])
    questions = [call.messages[-1]["content"].splitlines()[-1] for call in sandbox.openai.calls(CallKind.CHAT)]
    assert questions.index("question 2") < questions.index("question 3")


async def test_what_is_deleted_while_a_question_waits_does_not_go_along_with_it(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"CHANNEL_RUNNING": "1"})
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    secret = await ask(ada, "My secret is a parrot.")
    await ask(ada, "And my dog is a pug.")
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    running = await ada.command("/ask", prompt="first")
    await _asked(sandbox, 3)
    waiting = await _in_line(await ben.command("/ask", prompt="second"))
    sandbox.user("Mo").deletes(secret.messages[0])
    await sandbox.bot_process.until_logged("turns deleted turns=1", deadline_s=DEADLINE_S)
    sandbox.openai.faults.release()
    await wait_until_final(running)
    await waiting.until(lambda used: "sandbox" in used.text, deadline_s=DEADLINE_S)
    assert sent_questions(sandbox.openai.calls(CallKind.CHAT)[-1]) == ["And my dog is a pug.", "second"]


async def test_an_answer_that_fails_releases_its_slot_and_its_reservation(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RUNNING": "1"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), Status(400))
    first = await ada.command("/ask", prompt="first")
    await _asked(sandbox, 1)
    second = await _in_line(await ada.command("/ask", prompt="second"))
    sandbox.openai.faults.release()
    assert "couldn't work with this request" in (await wait_until_final(first)).text
    await second.until(lambda used: "sandbox" in used.text, deadline_s=DEADLINE_S)
    assert (await usage(ada))["messages"] == 1


async def test_requests_in_the_queue_at_shutdown_show_an_error_and_cost_nothing(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RUNNING": "1", "SHUTDOWN_GRACE_SECONDS": "0"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.always(CallKind.CHAT, Hang())
    await ada.command("/ask", prompt="first")
    await _asked(sandbox, 1)
    second = await _in_line(await ada.command("/ask", prompt="second"))
    assert await sandbox.restart() == 0
    assert second.text == "I'm just restarting. Please try again in a minute."
    assert (await usage(ada))["messages"] == 0


async def test_with_all_of_it_off_nobody_waits(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RATE": "off", "MEMBER_RUNNING": "off", "CHANNEL_RUNNING": "off"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.always(CallKind.CHAT, Hang())
    used = [await ada.command("/ask", prompt=f"question {number}") for number in range(30)]
    await _asked(sandbox, 30)
    assert all(each.thinking for each in used)
    sandbox.openai.faults.clear()
    sandbox.openai.faults.release()
    await all_of(wait_until_final(each) for each in used)


async def _asked(sandbox: Sandbox, count: int) -> None:
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == count, DEADLINE_S)


async def _in_line(used: InteractionResult) -> InteractionResult:
    return await used.until(lambda each: "in the queue" in each.text, deadline_s=DEADLINE_S)
