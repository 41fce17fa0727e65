"""Answers to messages with limits of their own, with two processes, and when the bot ends in the middle of them."""

import asyncio

from sandbox.client.message_result import MessageResult
from sandbox.discord.gateway.gateway import MESSAGE_CONTENT
from sandbox.discord.rate_limits import RateLimit
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow, Stall
from sandbox.sandbox import Sandbox
from tests.support.trip_box import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenBox,
    all_of,
    ask,
    asked,
    begun,
    being_written,
    is_about,
    mention,
    use,
    whole,
)


async def test_a_spent_quota_is_said_once_and_then_only_shown(open_box: OpenBox) -> None:
    box = await open_box({"QUOTA_MEMBER_MESSAGES_PER_DAY": "1"})
    ada, ben = box.user("Ada"), box.user("Ben")
    await mention(ada, "my one question")
    refused = await mention(ada, "another")
    assert "You have used your 1 message for today" in refused.text
    assert not refused.messages[0].pinged
    again = await ada.asks("and another")
    assert (await again.until(lambda each: each.reactions)).reactions == ["⏳"]
    assert again.messages == []
    await mention(ben, "my one question")
    assert "You have used" in (await mention(ben, "another")).text
    assert len(box.openai.calls(CallKind.CHAT)) == 2
    notice = refused.messages[0]
    await box.bot_process.stop()  # what would go away in a moment goes away before the end
    assert notice.deleted


async def test_a_member_who_is_too_quick_is_told_once(open_box: OpenBox) -> None:
    box = await open_box({"MEMBER_RATE": "2/60"})
    ada = box.user("Ada")
    for _ in range(2):
        await mention(ada, "hello")
    assert "I'm there for you again" in (await mention(ada, "hello")).text
    again = await ada.asks("hello")
    await again.until(lambda each: each.reactions)
    assert again.messages == []
    assert "I'm there for you again" in (await use(ada, "/help")).text


async def test_whoever_waits_in_line_reads_so_and_gets_the_answer_in_its_place(open_box: OpenBox) -> None:
    box = await open_box({"MEMBER_RUNNING": "1", "ALLOW_DMS": "false"})
    ada = box.user("Ada")
    box.openai.faults.next(CallKind.CHAT, Hang())
    first = await ada.asks("first")
    await _running(box, 1)
    second = await ada.asks("second")
    await second.until(lambda each: each.text == "You're next in line. I'll start in a moment …")
    box.openai.faults.release()
    await whole(first)
    await second.until(lambda each: "sandbox" in each.text and not being_written(each), deadline_s=DEADLINE_S)
    assert len(second.messages) == 1
    assert "not in direct messages" in (await mention(ada, "hello", channel="dm")).text


async def test_with_the_intent_replies_that_ping_nobody_are_read_too(open_box: OpenBox) -> None:
    box = await open_box({"MESSAGE_CONTENT": "true"}, privileged_intents=MESSAGE_CONTENT)
    ada = box.user("Ada")
    used = await ask(ada, "a command's answer")
    reply = await whole(MessageResult(await ada.says("go on", reply_to=used.messages[0]), box.state))
    await whole(MessageResult(await ada.says("and on", reply_to=reply.messages[0], ping=False), box.state))
    await ada.says("just talking")
    await mention(ada, "the end")
    assert asked(box.openai.calls(CallKind.CHAT)[-1]) == ["a command's answer", "go on", "and on", "the end"]


async def test_an_answer_to_a_message_is_marked_after_its_process_died(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada, ben = box.user("Ada"), box.user("Ben")
    box.openai.script(["One ", "two ", "three ", "four."], times=None)
    box.openai.faults.next(CallKind.CHAT, Stall(after=4), when=is_about("go on"))
    box.openai.faults.next(CallKind.CHAT, Hang(), when=is_about("say something"))
    begun_one = await begun(await ada.asks("go on", channel="a thread"))
    silent = await ben.asks("say something", channel="dm")
    await _running(box, 2)
    words = begun_one.text.split("\n")[0]
    await box.bot_process.kill()
    await box.start()
    marked = f"{words}\n-# I was interrupted here, so this is not the whole answer."
    await begun_one.until(lambda each: each.text == marked, deadline_s=DEADLINE_S)
    await silent.until(lambda each: "I was interrupted before I was done" in each.text, deadline_s=DEADLINE_S)
    assert (len(begun_one.messages), len(silent.messages)) == (1, 1)
    assert not silent.messages[0].pinged
    box.deliver_again(silent.message)
    assert (await mention(ada, "and now?")).text == "One two three four."


async def test_a_bot_that_is_stopped_says_so_in_reply(open_box: OpenBox) -> None:
    box = await open_box({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "1"})
    ada = box.user("Ada")
    box.openai.script(["One ", "two ", "three "], times=None)
    box.openai.faults.next(CallKind.CHAT, Stall(after=3), when=is_about("go on"))
    box.openai.faults.next(CallKind.CHAT, Hang(), when=is_about("say something"))
    streaming = await begun(await ada.asks("go on"))
    silent = await ada.asks("say something")
    await _running(box, 2)
    stopping = asyncio.create_task(box.bot_process.stop(within_s=DEADLINE_S))
    await box.bot_process.until_logged("stopping")
    late = await ada.asks("too late?")
    assert await stopping == 0
    assert streaming.text.endswith("-# I was interrupted here, so this is not the whole answer.")
    assert silent.text == "I'm just restarting. Please try again in a minute."
    assert late.text in ("I'm just restarting. Please try again in a minute.", "")


async def test_two_processes_answer_each_message_once(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    await box.start_second()
    people = [box.join(f"Member {number}") for number in range(12)]
    said = await all_of(person.asks("hello", channel="dm") for person in people)
    await all_of(whole(each) for each in said)
    assert len(box.openai.calls(CallKind.CHAT)) == len(people)
    assert all(len(each.messages) == 1 for each in said)


async def test_five_answers_at_once_in_one_channel_take_turns(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER, rates={"message.edit": RateLimit(5, 2.0)})
    people = [box.join(f"Member {number}") for number in range(5)]
    box.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.1))
    box.openai.script(["word "] * 70, times=None)
    said = await all_of(person.asks("all at once") for person in people)
    await all_of(whole(each) for each in said)
    assert {each.text for each in said} == {("word " * 70).strip()}
    assert box.traffic_log.list_rate_limited() == []
    progress = box.traffic_log.find(lambda entry: entry.method == "PATCH" and entry.request["content"].endswith("…"))
    turns = [entry.path for entry in progress]
    assert len(turns) >= 10
    # Nobody has a second turn before everybody has had one.
    for start in range(0, len(turns) - 4, 5):
        assert len(set(turns[start : start + 5])) == 5


async def _running(box: Sandbox, count: int) -> None:
    """Wait until so many answers are under way at the AI service."""
    await box.openai.until(lambda: sum(call.running for call in box.openai.calls(CallKind.CHAT)) == count, DEADLINE_S)
