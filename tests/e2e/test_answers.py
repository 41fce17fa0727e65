"""Answers as members see them grow: over real sockets, with Discord's limits, and with what models really write."""

import asyncio
import itertools
import random
from typing import Any

import pytest

from bot import errors
from bot.api.reasoning_filter import ReasoningFilter
from bot.markdown.renderer import render_markdown
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.messages import MessageFlag
from sandbox.discord.rate_limits import DEFAULT_RATE_LIMIT, RateLimit
from sandbox.openai.faults import Hang, Slow, Stall, StreamStyle
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    DEADLINE_S,
    PROGRESS_MARKER,
    THINKING,
    OpenSandbox,
    ask,
    is_streaming,
    is_thinking,
    question_contains,
    sent_texts,
    wait_until_final,
    wait_until_started,
)
from tests.support.markdown_oracle import furthest_match, has_open_fence, misaligned, squeeze
from tests.support.markdown_samples import pieces, sample
from tests.support.model_answers import SECRET, model_answer
from tests.support.observations import edits_of, left_in_bucket

MARKDOWN_ANSWERS = 30
PARAGRAPH = "The lamps along the harbour went out one by one, and nobody on the pier said a word about it. "
LONG = "\n\n".join(f"{number}. {PARAGRAPH * 4}".strip() for number in range(1, 9))  # about 3,100 characters
TOO_LONG = "\n\n".join(f"{number}. {PARAGRAPH * 6}".strip() for number in range(1, 41))  # about 23,000


@pytest.fixture
async def roomy(open_sandbox: OpenSandbox) -> Sandbox:
    """A sandbox where messages are not what takes time."""
    return await open_sandbox(rates={"interaction.webhook": DEFAULT_RATE_LIMIT})


async def test_the_first_words_show_while_the_rest_is_still_to_come(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["The ", "tide ", "comes ", "in ", "twice ", "a day."])
    sandbox.openai.faults.next("chat", Stall(after=4))  # the role, and three words
    used = await wait_until_started(await ada.command("/ask", prompt="tides?"))
    await used.until(lambda seen: seen.text == f"The tide comes\n{PROGRESS_MARKER}", deadline_s=DEADLINE_S)
    assert sandbox.openai.calls("chat")[0].running
    sandbox.openai.faults.release()
    await wait_until_final(used)
    assert used.text == "The tide comes in twice a day."
    assert not used.thinking


async def test_until_the_first_word_it_thinks(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["\n\n", "```", "py\n", "x = 1", "\n```"])
    sandbox.openai.faults.next("chat", Stall(after=4))  # white space and a fence without a line in it
    used = await ada.command("/ask", prompt="code?")
    await sandbox.openai.until(lambda: bool(sandbox.openai.calls("chat")), DEADLINE_S)
    await (await ada.command("/usage")).until_answered()
    assert used.thinking
    assert edits_of(sandbox, used) == []
    sandbox.openai.faults.release()
    assert (await wait_until_final(used)).text == "```py\nx = 1\n```"


async def test_a_line_stands_in_while_the_model_thinks_and_no_thought_shows(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(["<thi", "nk>Too sec", "ret.</think>", "\n\nNo", "on."])
    sandbox.openai.faults.next("chat", StreamStyle(reasoning=("Very ", "secret. ")), Stall(after=5))
    used = await ada.command("/ask", prompt="when?")
    await used.until(is_thinking, deadline_s=DEADLINE_S)
    assert sandbox.openai.calls("chat")[0].running
    sandbox.openai.faults.release()
    assert (await wait_until_final(used)).text == "Noon."
    shown = [version.content for version in used.messages[0].history[1:]]
    assert shown[0] == THINKING
    assert not any("secret" in text for text in shown)
    await ask(ada, "and then?")
    assert sent_texts(sandbox.openai.calls("chat")[-1]) == ["when?", "Noon.", "and then?"]


async def test_a_streamed_answer_grows_in_several_edits_and_shows_life_until_it_is_done(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    answer = PARAGRAPH * 12
    sandbox.openai.script(answer, every=len(answer) // 50)
    sandbox.openai.faults.next("chat", Slow(pace_s=0.09))
    used = await wait_until_final(await ada.command("/ask", prompt="at length"))
    *progress, last = [version.content for version in used.messages[0].history[1:]]
    assert len(progress) >= 3
    assert all(text.endswith(f"\n{PROGRESS_MARKER}") for text in progress)
    grown = [squeeze(text.removesuffix(PROGRESS_MARKER)) for text in progress] + [squeeze(last)]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(grown))
    assert len(set(progress)) == len(progress)
    assert last == answer.strip()
    # On the way: one bucket of five in five seconds, of which progress never takes the last one.
    *before, final = edits_of(sandbox, used)
    assert [entry.request["content"] for entry in (*before, final)] == [*progress, last]
    assert all(left_in_bucket(entry) >= 1 for entry in before)
    assert sandbox.traffic_log.list_rate_limited() == []


async def test_one_request_is_kept_back_so_that_the_end_waits_for_no_refill(open_sandbox: OpenSandbox) -> None:
    # Two edits, then nothing for longer than this test lives: an end that had to wait would not come.
    sandbox = await open_sandbox(rates={"interaction.webhook": RateLimit(2, 20 * DEADLINE_S)})
    sandbox.openai.script(PARAGRAPH * 8, every=30)
    sandbox.openai.faults.next("chat", Slow(pace_s=0.08))
    used = await wait_until_final(await sandbox.user("Ada").command("/ask", prompt="in a narrow place"))
    assert used.text == (PARAGRAPH * 8).strip()
    assert [(left_in_bucket(entry), entry.status) for entry in edits_of(sandbox, used)] == [(1, 200), (0, 200)]
    assert sandbox.traffic_log.list_rate_limited() == []
    await (
        sandbox.bot_process.kill()
    )  # discord.py holds the line until the refill, and a proper stop would wait for that


async def test_one_edit_is_under_way_at_a_time_and_the_next_has_the_newest_text(
    sandbox: Sandbox, ada: ClientUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, let_go, at_once = asyncio.Event(), asyncio.Event(), []
    serve, running = sandbox.discord._rest._answer, 0

    async def held(endpoint: Any, request: Any, *rest: Any) -> Any:
        nonlocal running
        if request.method != "PATCH":
            return await serve(endpoint, request, *rest)
        running += 1
        at_once.append(running)
        arrived.set()
        await let_go.wait()
        try:
            return await serve(endpoint, request, *rest)
        finally:
            running -= 1

    monkeypatch.setattr(sandbox.discord._rest, "_answer", held)
    sandbox.openai.script(["One", " two", " three", " four."])
    used = await ada.command("/ask", prompt="count")
    await asyncio.wait_for(arrived.wait(), DEADLINE_S)
    await sandbox.openai.until(lambda: not sandbox.openai.calls("chat")[0].running, DEADLINE_S)
    await (await ada.command("/usage")).until_answered()  # by now the bot has had every reason to send the rest
    assert (used.text, at_once) == ("", [1])
    let_go.set()
    await wait_until_final(used)
    assert used.text == "One two three four."
    assert set(at_once) == {1}


async def test_a_long_answer_goes_on_in_further_messages(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.script(LONG)
    used = await _shown(await ada.command("/ask", prompt="long"), LONG)
    texts = [message.content for message in used.messages]
    assert len(texts) == 2
    assert all(0 < len(text) <= 2000 for text in texts)
    assert "\n\n".join(texts) == LONG  # cut between paragraphs, nothing lost, nothing doubled
    assert [entry.method for entry in edits_of(sandbox, used)].count("POST") == 1
    assert sandbox.traffic_log.list_rate_limited() == []


async def test_code_that_is_cut_is_closed_and_reopened_with_its_language(sandbox: Sandbox, ada: ClientUser) -> None:
    lines = "\n".join(f"    total_{number} = total_{number - 1} + step" for number in range(1, 90))
    code = f"Like this:\n\n```python\ndef add():\n{lines}\n```\n\nThat is all."
    sandbox.openai.script(code)
    used = await _shown(await ada.command("/ask", prompt="code"), code)
    first, second, *_ = [message.content for message in used.messages]
    assert first.endswith("\n```")
    assert second.startswith("```python\n    total_")
    assert not any(has_open_fence(message.content) for message in used.messages)


async def test_over_five_messages_become_the_first_four_and_the_whole_as_a_file(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    answer = f"{TOO_LONG}\r\n\r\nEnde: Grüße 👩‍👩‍👧‍👦 ```\n"
    sandbox.openai.script(answer, every=500)
    used = await ada.command("/ask", prompt="too long")
    await used.until(lambda seen: seen.messages and seen.messages[-1].attachments, deadline_s=DEADLINE_S)
    assert len(used.messages) == 5
    *first, last = used.messages
    matched = furthest_match([message.content for message in first], answer)
    assert matched is not None
    assert matched > 4 * 1300
    assert [(each.filename, each.data) for each in last.attachments] == [("answer.md", answer.encode())]
    assert all(not message.attachments for message in first)
    assert PROGRESS_MARKER not in used.text
    assert sandbox.traffic_log.list_rate_limited() == []


@pytest.mark.parametrize("length", ["one message", "several", "a file"])
async def test_no_answer_unfolds_a_link(roomy: Sandbox, length: str) -> None:
    text = {"one message": PARAGRAPH, "several": LONG, "a file": TOO_LONG}[length].replace(
        "pier", "https://example.org/pier"
    )
    roomy.openai.script(text)
    used = await _shown(await roomy.user("Ada").command("/ask", prompt="links"), text)
    assert "https://example.org/pier" in used.text
    assert [message.previews for message in used.messages] == [[]] * len(used.messages)
    assert all(message.flags & MessageFlag.SUPPRESS_EMBEDS for message in used.messages)


async def test_no_word_of_a_model_pings_anybody(roomy: Sandbox) -> None:
    ben, role = roomy.state.user("Ben"), next(role for role in roomy.state.guild().roles.values() if role.mentionable)
    everyone = f"@everyone @here <@{ben.id}> <@!{ben.id}> <@&{role.id}> "
    answer = LONG.replace("The lamps", f"{everyone}The lamps")
    roomy.openai.script(answer, every=400)
    roomy.openai.faults.next("chat", Slow(pace_s=0.1))
    used = await _shown(await roomy.user("Ada").command("/ask", prompt=f"{everyone}hello"), answer)
    assert len(used.messages) >= 3
    assert used.text.count("@everyone") == answer.count("@everyone")
    assert [bool(message.pinged) for message in used.messages] == [False] * len(used.messages)
    sent = edits_of(roomy, used)
    assert {entry.method for entry in sent} == {"PATCH", "POST"}
    assert all(entry.request["allowed_mentions"]["parse"] == [] for entry in sent)


async def test_pictures_speech_and_notices_ping_nobody_either(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    sandbox.openai.faults.next("images", Hang())
    waiting = await ada.command("/draw", prompt="@everyone in one picture")
    for command, options in (
        ("/say", {"text": "hello @everyone"}),
        ("/models", {"search": "@everyone"}),
        ("/help", {}),
    ):
        await wait_until_final(await ada.command(command, options))
    await wait_until_final(await mo.command("/channel model", model="@everyone"))
    sandbox.openai.faults.release()
    await wait_until_final(waiting)
    sent = sandbox.traffic_log.find(
        lambda entry: entry.method in ("POST", "PATCH") and "content" in _message_in(entry.request)
    )
    assert len(sent) == 5
    assert all(_message_in(entry.request)["allowed_mentions"]["parse"] == [] for entry in sent)


async def test_a_private_answer_is_its_askers_alone_to_the_last_message(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    sandbox.openai.script(LONG)
    used = await _shown(await ada.command("/ask", prompt="between us", private=True), LONG)
    assert used.private
    assert [message.ephemeral for message in used.messages] == [True, True]
    assert all(message in ada.sees() for message in used.messages)
    assert ben.sees() == []


async def test_a_private_answer_in_a_file_is_private_too(roomy: Sandbox) -> None:
    roomy.openai.script(TOO_LONG)
    used = await _shown(await roomy.user("Ada").command("/ask", prompt="all of it, to me", private=True), TOO_LONG)
    assert [message.ephemeral for message in used.messages] == [True] * 5
    assert used.messages[-1].attachments[0].ephemeral
    assert roomy.user("Ben").sees() == []


async def test_a_public_answer_is_there_for_everybody(sandbox: Sandbox, ada: ClientUser, ben: ClientUser) -> None:
    used = await ask(ada, "for all to see")
    assert not used.private
    assert ben.sees() == used.messages


async def test_random_markdown_is_shown_to_the_last_character(sandbox: Sandbox) -> None:
    seeds = random.Random(2026).sample(range(1_000_000), MARKDOWN_ANSWERS)
    texts = {f"sample {seed}.": (sample if seed % 2 else model_answer)(seed) for seed in seeds}
    assert max(map(len, texts.values())) > 15_000
    shown = await asyncio.gather(*(_asked(sandbox, words, text) for words, text in texts.items()))
    for (words, text), used in zip(texts.items(), shown, strict=True):
        messages = [message.content for message in used.messages]
        assert (words, _reads(used, _without_thoughts(text))) == (words, True)
        assert all(len(message) <= 2000 and not has_open_fence(message) for message in messages)
        assert len(messages) <= 5
        assert PROGRESS_MARKER not in used.text
        assert not any(message.pinged or message.previews for message in used.messages)
        versions = [version.content for message in used.messages for version in message.history]
        assert not any(SECRET in content or misaligned(content) for content in versions)
    assert sandbox.traffic_log.list_rate_limited() == []


async def _asked(sandbox: Sandbox, words: str, text: str) -> InteractionResult:
    """Somebody new asks in their direct messages and gets `text`, cut as a stream cuts it."""
    sandbox.openai.script(list(pieces(text, len(text))), when=question_contains(words))
    used = await sandbox.join(words).command("/ask", prompt=words, channel="dm")
    return await _shown(used, _without_thoughts(text))


def _without_thoughts(text: str) -> str:
    thinking = ReasoningFilter()
    return thinking.feed(text)[1] + thinking.close()[1]


async def _shown(used: InteractionResult, text: str) -> InteractionResult:
    """Wait until `text` is shown, all of it."""
    await used.until(lambda seen: not is_streaming(seen) and _reads(seen, text), deadline_s=DEADLINE_S)
    return used


def _reads(used: InteractionResult, text: str) -> bool:
    """Whether what is shown is the API's text as it is to be rendered."""
    if not text.strip():
        return used.text == render(errors.InvalidApiResponse.message)
    if not used.messages:
        return False
    messages = [message.content for message in used.messages]
    files = [each.data for message in used.messages for each in message.attachments]
    if files:
        return files == [text.encode()] and len(messages) == 5 and messages[:4] == render_markdown(text)[:4]
    return messages == render_markdown(text)


def _message_in(body: Any) -> dict[str, Any]:
    """The message in a request: a first response has it in `data`."""
    return body.get("data") or body if isinstance(body, dict) else {}
