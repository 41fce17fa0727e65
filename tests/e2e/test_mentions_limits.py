"""Answers to messages with limits of their own, with two processes, and when the bot ends in the middle of them."""

import asyncio

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.message_result import MessageResult
from sandbox.discord.gateway.gateway import MESSAGE_CONTENT
from sandbox.discord.rate_limits import RateLimit
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow, Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    INTERRUPTED,
    INTERRUPTED_BEFORE_TEXT,
    OpenSandbox,
    all_of,
    ask,
    is_streaming,
    mention,
    question_contains,
    run_command,
    sent_questions,
    wait_until_final,
    wait_until_started,
)


async def test_a_spent_quota_is_said_once_and_then_only_shown(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"})
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    await mention(ada, "my one question")
    refused = await mention(ada, "another")
    assert "You've used your limit: 1 message per day." in refused.text
    assert not refused.messages[0].pinged
    again = await ada.asks("and another")
    assert (await again.until(lambda each: each.reactions)).reactions == ["⏳"]
    assert again.messages == []
    await mention(ben, "my one question")
    assert "You've used" in (await mention(ben, "another")).text
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 2
    notice = refused.messages[0]
    await sandbox.bot_process.stop()  # what would go away in a moment goes away before the end
    assert notice.deleted


async def test_a_rate_limited_member_gets_one_reply(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RATE": "2/60"})
    ada = sandbox.user("Ada")
    for _ in range(2):
        await mention(ada, "hello")
    assert "You can go on" in (await mention(ada, "hello")).text
    again = await ada.asks("hello")
    await again.until(lambda each: each.reactions)
    assert again.messages == []
    assert "You can go on" in (await run_command(ada, "/help")).text


async def test_whoever_waits_in_line_reads_so_and_gets_the_answer_in_its_place(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MEMBER_RUNNING": "1", "ALLOW_DMS": "false"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    first = await ada.asks("first")
    await _running(sandbox, 1)
    second = await ada.asks("second")
    await second.until(lambda each: each.text == render(answers.next_in_queue()))
    sandbox.openai.faults.release()
    await wait_until_final(first)
    await second.until(lambda each: "sandbox" in each.text and not is_streaming(each), deadline_s=DEADLINE_S)
    assert len(second.messages) == 1
    assert "not in direct messages" in (await mention(ada, "hello", channel="dm")).text


async def test_with_the_intent_replies_that_ping_nobody_are_read_too(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"MESSAGE_CONTENT": "true"}, privileged_intents=MESSAGE_CONTENT)
    ada = sandbox.user("Ada")
    used = await ask(ada, "a command's answer")
    reply = await wait_until_final(MessageResult(await ada.says("go on", reply_to=used.messages[0]), sandbox.state))
    await wait_until_final(
        MessageResult(await ada.says("and on", reply_to=reply.messages[0], ping=False), sandbox.state)
    )
    await ada.says("just talking")
    await mention(ada, "the end")
    assert sent_questions(sandbox.openai.calls(CallKind.CHAT)[-1]) == [
        "a command's answer",
        "go on",
        "and on",
        "the end",
    ]


async def test_an_answer_to_a_message_is_marked_after_its_process_died(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    sandbox.openai.script(["One ", "two ", "three ", "four."], times=None)
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4), when=question_contains("go on"))
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), when=question_contains("say something"))
    begun_one = await wait_until_started(await ada.asks("go on", channel="a thread"))
    silent = await ben.asks("say something", channel="dm")
    await _running(sandbox, 2)
    words = begun_one.text.split("\n")[0]
    await sandbox.bot_process.kill()
    await sandbox.start()
    marked = f"{words}\n{INTERRUPTED}"
    await begun_one.until(lambda each: each.text == marked, deadline_s=DEADLINE_S)
    await silent.until(lambda each: each.text == INTERRUPTED_BEFORE_TEXT, deadline_s=DEADLINE_S)
    assert (len(begun_one.messages), len(silent.messages)) == (1, 1)
    assert not silent.messages[0].pinged
    sandbox.deliver_again(silent.message)
    assert (await mention(ada, "and now?")).text == "One two three four."


async def test_a_bot_that_is_stopped_says_so_in_reply(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "1"})
    ada = sandbox.user("Ada")
    sandbox.openai.script(["One ", "two ", "three "], times=None)
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=3), when=question_contains("go on"))
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), when=question_contains("say something"))
    streaming = await wait_until_started(await ada.asks("go on"))
    silent = await ada.asks("say something")
    await _running(sandbox, 2)
    stopping = asyncio.create_task(sandbox.bot_process.stop(within_s=DEADLINE_S))
    await sandbox.bot_process.until_logged("stopping")
    late = await ada.asks("too late?")
    assert await stopping == 0
    assert streaming.text.endswith(INTERRUPTED)
    assert silent.text == "I'm just restarting. Please try again in a minute."
    assert late.text in ("I'm just restarting. Please try again in a minute.", "")


async def test_two_processes_answer_each_message_once(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    await sandbox.start_second()
    people = [sandbox.join(f"Member {number}") for number in range(12)]
    said = await all_of(person.asks("hello", channel="dm") for person in people)
    await all_of(wait_until_final(each) for each in said)
    assert len(sandbox.openai.calls(CallKind.CHAT)) == len(people)
    assert all(len(each.messages) == 1 for each in said)


async def test_five_answers_at_once_in_one_channel_take_turns(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, rates={"message.edit": RateLimit(5, 2.0)})
    people = [sandbox.join(f"Member {number}") for number in range(5)]
    sandbox.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.1))
    sandbox.openai.script(["word "] * 70, times=None)
    said = await all_of(person.asks("all at once") for person in people)
    await all_of(wait_until_final(each) for each in said)
    assert {each.text for each in said} == {("word " * 70).strip()}
    assert sandbox.traffic_log.list_rate_limited() == []
    progress = sandbox.traffic_log.find(
        lambda entry: entry.method == "PATCH" and entry.request["content"].endswith("…")
    )
    turns = [entry.path for entry in progress]
    assert len(turns) >= 10
    # Nobody has a second turn before everybody has had one.
    for start in range(0, len(turns) - 4, 5):
        assert len(set(turns[start : start + 5])) == 5


async def _running(sandbox: Sandbox, count: int) -> None:
    """Wait until so many answers are under way at the AI service."""
    await sandbox.openai.until(
        lambda: sum(call.running for call in sandbox.openai.calls(CallKind.CHAT)) == count, DEADLINE_S
    )
