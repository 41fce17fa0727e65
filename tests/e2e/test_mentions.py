"""Questions in messages: mentions, replies and direct messages are answered as /ask answers, and nothing else is."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.client.message_result import MessageResult
from sandbox.client.user import ClientUser
from sandbox.discord.messages import Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.rate_limits import DEFAULT_RATE_LIMIT
from sandbox.discord.traffic_log import HttpExchange
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    all_of,
    ask,
    is_streaming,
    mention,
    question_contains,
    sent_questions,
    wait_until_final,
    wait_until_started,
)
from tests.support.observations import usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = "Of ships and shoes and sealing wax."
LONG = "\n\n".join(f"{number}. " + " ".join([LINE] * 12) for number in range(1, 11))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(
        ANY_NUMBER, rates={"message.create": DEFAULT_RATE_LIMIT, "message.edit": DEFAULT_RATE_LIMIT}
    ) as sandbox:
        yield sandbox


@pytest.fixture
def member(sandbox: Sandbox) -> ClientUser:
    """Somebody who has written nothing yet."""
    return sandbox.join(f"Member {sandbox.traffic_log.number}")


def room(sandbox: Sandbox) -> str:
    """A channel in which nothing was said yet."""
    channel = sandbox.state.add_channel(sandbox.state.guild(), f"room-{sandbox.traffic_log.number}")
    sandbox.discord.gateway.dispatch_channel(channel, new=True)
    return channel.name


def newest(sandbox: Sandbox) -> list[str]:
    return sent_questions(sandbox.openai.calls(CallKind.CHAT)[-1])


def sent(sandbox: Sandbox, method: str, *, after: int = 0) -> list[HttpExchange]:
    """What the bot wrote by channel routes."""
    return sandbox.traffic_log.find(
        lambda entry: entry.method == method and entry.path.startswith("/channels/"), after=after
    )


async def test_a_mention_is_answered_by_a_reply_that_streams_and_pings_nobody(
    sandbox: Sandbox, member: ClientUser
) -> None:
    before = sandbox.traffic_log.number
    sandbox.openai.script(["One ", "two ", "@everyone ", "https://example.org"], when=question_contains("count"))
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=3), when=question_contains("count"))
    said = await wait_until_started(await member.asks("count\nto three", channel="#random"))
    sandbox.openai.faults.release()
    await wait_until_final(said)
    (message,) = said.messages
    assert message.content == "One two @everyone https://example.org"
    assert message.history[0].content.startswith("One")
    assert not message.pinged
    assert message.previews == []
    assert newest(sandbox) == ["count\nto three"]
    typing, created = sent(sandbox, "POST", after=before)
    assert typing.template.endswith("/typing")
    assert created.request["enforce_nonce"] is True


@pytest.mark.parametrize("place", ["a thread", "dm"])
async def test_threads_and_direct_messages_have_conversations_of_their_own(
    sandbox: Sandbox, member: ClientUser, place: str
) -> None:
    await mention(member, f"first in {place}", channel=place)
    await ask(member, f"second in {place}", channel=place)
    await mention(member, f"third in {place}", channel=place)
    assert newest(sandbox) == [f"{nth} in {place}" for nth in ("first", "second", "third")]


async def test_a_reply_goes_on_from_its_answer_and_everything_else_from_the_line(
    sandbox: Sandbox, member: ClientUser
) -> None:
    place, ben = room(sandbox), sandbox.user("Ben")
    for number in (1, 2):
        await ask(member, f"question {number}", channel=place)
    second = sandbox.state.messages[member.channel(place).id][-1]
    for number in (3, 4, 5):
        await mention(member, f"question {number}", channel=place)
    reply = await mention(ben, "about the second", reply_to=second)
    assert newest(sandbox) == ["question 1", "question 2", "about the second"]
    further = await mention(member, "and further", reply_to=reply.messages[0])
    assert newest(sandbox) == ["question 1", "question 2", "about the second", "and further"]
    await ask(member, "all of it?", channel=place)
    everything = [f"question {n}" for n in range(1, 6)] + ["about the second", "and further", "all of it?"]
    assert newest(sandbox) == everything
    # A reply without the mention, to an ordinary answer: Discord pings the bot, and so sends what it says.
    quiet = await wait_until_final(
        MessageResult(await ben.says("is that so?", reply_to=further.messages[0]), sandbox.state)
    )
    assert newest(sandbox) == ["question 1", "question 2", "about the second", "and further", "is that so?"]
    sandbox.user("Mo").deletes(reply.messages[0])
    await sandbox.bot_process.until_logged("turns deleted turns=1", deadline_s=DEADLINE_S)
    await mention(ben, "who am I?", reply_to=quiet.messages[0])
    assert newest(sandbox) == ["question 1", "question 2", "and further", "is that so?", "who am I?"]


async def test_of_two_that_ask_at_once_the_next_one_knows_both(sandbox: Sandbox, member: ClientUser) -> None:
    place = room(sandbox)
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), times=2, when=question_contains("at once"))
    both = [await person.asks("at once", channel=place) for person in (member, sandbox.user("Cleo"))]
    await _running(sandbox, 2)
    sandbox.openai.faults.release()
    await all_of(wait_until_final(each) for each in both)
    secret = await ask(member, "a secret", channel=place, private=True)
    await mention(sandbox.user("Cleo"), "and now?", channel=place)
    assert newest(sandbox) == ["at once", "at once", "and now?"]
    assert secret.private


async def test_what_is_not_meant_for_the_bot_costs_nothing(sandbox: Sandbox, member: ClientUser) -> None:
    state, place = sandbox.state, sandbox.state.guild().channel(room(sandbox))
    calls, before = len(sandbox.openai.requests), sandbox.traffic_log.number
    own, bots_role = state.bot.id, next(role for role in state.guild().roles.values() if role.bot_id)
    other_bot, webhook = sandbox.join("Another Bot"), state.add_webhook("News")
    other_bot.user.bot = True
    answer = sandbox.discord.message_service.post(place, state.bot, f"I am <@{own}>.")
    hello = await member.says("just talking", channel=place)
    for text in ("@everyone", "@here", f"<@&{bots_role.id}>", "Sandbox Bot, hello?"):
        await member.says(f"{text} what is this?", channel=place)
    await sandbox.user("Ben").says("that's right", reply_to=hello)
    await other_bot.says(f"<@{own}> hello, colleague", channel=place)
    await other_bot.says("and a reply", reply_to=answer)
    sandbox.discord.message_service.post(place, webhook, f"<@{own}> news", reply_to=answer.id)
    await member.says("and one of nobody's business", channel="a thread")
    await mention(member, "at last", channel=place)
    assert newest(sandbox) == ["at last"]
    assert len(sandbox.openai.requests) == calls + 1
    assert {entry.template for entry in sent(sandbox, "POST", after=before)} == {
        "/channels/{channel_id}/typing",
        "/channels/{channel_id}/messages",
    }
    assert len(sent(sandbox, "POST", after=before)) == 2


async def test_a_reply_that_discord_keeps_from_the_bot_gets_a_hint(sandbox: Sandbox, member: ClientUser) -> None:
    calls = len(sandbox.openai.requests)
    used = await ask(member, "a command's answer")
    said = MessageResult(await member.says("go on", reply_to=used.messages[0]), sandbox.state)
    await said.until(lambda each: each.messages)
    assert "show me what this reply says" in said.text
    assert f"<@{sandbox.state.bot.id}>" in said.text
    assert "</ask:" in said.text
    assert not said.messages[0].pinged
    await mention(member, "go on", reply_to=used.messages[0])
    assert newest(sandbox)[-2:] == ["a command's answer", "go on"]
    bare = await member.asks("")
    await bare.until(lambda each: each.messages)
    assert "Ask me something in the same message" in bare.text
    assert len(sandbox.openai.requests) == calls + 2


async def test_a_long_answer_goes_on_from_reply_to_reply_and_ends_in_a_file(
    sandbox: Sandbox, member: ClientUser
) -> None:
    sandbox.openai.script(LONG, when=question_contains("some messages"))
    sandbox.openai.script(f"{LONG}\n\n" * 4, when=question_contains("a file"))
    before = sandbox.traffic_log.number
    several = await member.asks("some messages", channel="dm")
    await several.until(lambda each: len(each.messages) == 3 and not is_streaming(each), deadline_s=DEADLINE_S)
    assert "\n\n".join(message.content for message in several.messages) == LONG
    filed = await member.asks("a file", channel="dm")
    await filed.until(lambda each: each.messages and each.messages[-1].attachments, deadline_s=DEADLINE_S)
    assert len(filed.messages) == 5
    assert filed.messages[-1].attachments[0].data == (f"{LONG}\n\n" * 4).encode()
    everything = (*several.messages, *filed.messages)
    assert all(message.flags & MessageFlag.SUPPRESS_EMBEDS and not message.pinged for message in everything)
    assert [entry for entry in sent(sandbox, "POST", after=before) if entry.status == 429] == []


async def test_where_the_bot_may_not_write_it_reacts_if_it_may(sandbox: Sandbox, member: ClientUser) -> None:
    calls, place = len(sandbox.openai.requests), sandbox.state.guild().channel(room(sandbox))
    me = sandbox.state.guild().members[sandbox.state.bot.id]
    sandbox.state.overwrite(place, me, deny=int(Permission.SEND_MESSAGES))
    sandbox.discord.gateway.dispatch_channel(place)
    said = await member.asks("may I?", channel=place)
    assert (await said.until(lambda each: each.reactions)).reactions == ["🔇"]
    sandbox.state.overwrite(place, me, deny=int(Permission.SEND_MESSAGES | Permission.ADD_REACTIONS))
    sandbox.discord.gateway.dispatch_channel(place)
    lines = len(sandbox.bot_process.log)
    silent = await member.asks("and now?", channel=place)
    await sandbox.bot_process.changed.until(
        lambda: any("may not write there" in line for line in list(sandbox.bot_process.log)[lines:]),
        deadline_s=DEADLINE_S,
        what="a line in the log",
    )
    assert (silent.messages, silent.reactions) == ([], [])
    assert len(sandbox.openai.requests) == calls


async def test_a_failure_is_one_plain_sentence_in_reply(sandbox: Sandbox, member: ClientUser) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, Status(400), when=question_contains("does it fail?"))
    said = await mention(member, "does it fail?", channel="dm")
    assert said.text.startswith("The AI service couldn't work with this request.")
    assert (await usage(member, "dm"))["messages"] == 0


async def test_a_message_delivered_twice_is_answered_once(sandbox: Sandbox, member: ClientUser) -> None:
    calls = len(sandbox.openai.requests)
    sandbox.openai.faults.next(CallKind.CHAT, Hang(), when=question_contains("once, please"))
    said = await member.asks("once, please")
    await _running(sandbox, 1)
    sandbox.deliver_again(said.message)
    await sandbox.bot_process.until_logged(f"duplicate event ignored event={said.message.id}", deadline_s=DEADLINE_S)
    sandbox.openai.faults.release()
    await wait_until_final(said)
    sandbox.deliver_again(said.message)
    await mention(member, "and another")
    assert len(sandbox.openai.requests) == calls + 2
    replies = [each for each in member.sees() if each.reply_to == said.message.id]
    assert len(replies) == 1


@pytest.mark.parametrize("how", ["told by the gateway", "found in the channel", "sent again under the same nonce"])
async def test_an_answer_whose_sending_seemed_to_fail_is_there_once(
    sandbox: Sandbox, member: ClientUser, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    place = sandbox.state.guild().channel(room(sandbox))
    serve, announce, failed = sandbox.discord._rest._answer, sandbox.discord.gateway.dispatch_message, False

    async def failing(endpoint: Any, request: Any, *rest: Any) -> Any:
        nonlocal failed
        if request.method == "GET" and "after" in request.query and how.startswith("sent again"):
            return type(await serve(endpoint, request, *rest))(403, {"message": "Missing Permissions", "code": 50013})
        answer = await serve(endpoint, request, *rest)
        if request.method == "POST" and request.path.endswith("/messages") and not failed:
            failed = True
            return type(answer)(503, {"message": "503: Service Unavailable", "code": 0})
        return answer

    def silent(name: str, message: Message) -> None:
        if message.author is not sandbox.state.bot or how.startswith("told"):
            announce(name, message)

    monkeypatch.setattr(sandbox.discord._rest, "_answer", failing)
    monkeypatch.setattr(sandbox.discord.message_service, "_announce", silent)
    sandbox.openai.script(["It ", "is ", "there."], when=question_contains("once?"))
    said = await member.asks("once?", channel=place)
    await said.until(lambda each: each.text == "It is there.", deadline_s=DEADLINE_S)
    assert failed
    assert [each.content for each in member.sees(place) if each.author is sandbox.state.bot] == ["It is there."]


async def _running(sandbox: Sandbox, count: int) -> None:
    """Wait until so many answers are under way at the AI service."""
    await sandbox.openai.until(
        lambda: sum(call.running for call in sandbox.openai.calls(CallKind.CHAT)) == count, DEADLINE_S
    )
