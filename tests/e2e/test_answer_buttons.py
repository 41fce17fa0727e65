"""The buttons under answers: what each does, for whom, after a restart and in another process."""

from bot.conversation.question import CONTINUE_PROMPT
from bot.errors import TurnNotFound
from bot.messages import answers
from bot.messages.render import render
from cogs.answer_buttons import InputsUnavailable
from sandbox.client.components import find_buttons
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.messages import Message
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall, StreamStyle
from sandbox.sandbox import Sandbox
from tests.support.answer_buttons import NOT_YOURS, STOPPED, stalled, stop
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    all_of,
    ask,
    is_thinking,
    mention,
    press_button,
    question_contains,
    run_command,
    sent_texts,
    wait_until_final,
    wait_until_started,
)
from tests.support.observations import usage

AFTERWARDS = ["Regenerate", "Read aloud", "Delete"]
UNFINISHED = ["Regenerate", "Continue", "Read aloud", "Delete"]


def labels(message: Message) -> list[str]:
    return [each["label"] for each in find_buttons(message.components)]


async def press(person: ClientUser, message: Message, label: str) -> InteractionResult:
    """Press a button that gives a new message, and wait for all of it."""
    return await wait_until_final(await person.clicks(message, label))


async def delete(sandbox: Sandbox, person: ClientUser, used: InteractionResult) -> None:
    """Press Delete, and wait until no message of an answer is left."""
    await (await person.clicks(used.messages[-1], "Delete")).until_acknowledged()
    await sandbox.state.changed.until(lambda: not used.messages, deadline_s=DEADLINE_S, what="the deletion")


async def test_an_answer_is_stopped_gone_on_with_asked_anew_read_and_deleted(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    sandbox.openai.script(["One ", "two ", "three ", "four."], when=question_contains("Count"))
    used = await stalled(sandbox, ada, "Count")
    message = used.messages[0]
    assert labels(message) == ["Stop"]
    shown = await stop(ada, used)
    words = shown.removesuffix(STOPPED)
    assert (shown, words) == (words + STOPPED, "One two three"[: len(words)])
    assert labels(message) == UNFINISHED
    (call,) = sandbox.openai.calls("chat")
    await sandbox.openai.until(lambda: call.closed_early_at is not None, DEADLINE_S)
    assert (await usage(ada))["messages"] == 1

    sandbox.openai.script("three, four.", when=question_contains(CONTINUE_PROMPT))
    rest = await press(ada, message, "Continue")
    assert sent_texts(sandbox.openai.calls("chat")[-1]) == ["Count", f"{words} ", CONTINUE_PROMPT]
    assert (rest.text, labels(rest.messages[0])) == ("three, four.", AFTERWARDS)

    await run_command(mo, "/channel model", model="gpt-4o")
    await run_command(mo, "/channel persona", text="You are a parrot.")
    sandbox.openai.script("Five.", when=question_contains("Count"))
    again = await press(ada, message, "Regenerate")
    call = sandbox.openai.calls("chat")[-1]
    assert (sent_texts(call), call.body["model"]) == (["Count"], "gpt-4o")
    assert call.messages[0]["content"].startswith("You are a parrot.")
    assert (again.text, shown) == ("Five.", used.text)
    await ask(ada, "And then?")
    assert sent_texts(sandbox.openai.calls("chat")[-1]) == [
        CONTINUE_PROMPT,
        "three, four.",
        "Count",
        "Five.",
        "And then?",
    ]

    sound = await press(ada, again.messages[0], "Read aloud")
    assert (sound.private, [each.filename for each in sound.messages[0].attachments]) == (True, ["speech.mp3"])
    assert sandbox.openai.calls("speech")[-1].body["input"] == "Five."

    await delete(sandbox, ada, again)
    await ask(ada, "And now?")
    assert "Five." not in sent_texts(sandbox.openai.calls("chat")[-1])
    assert "Traceback" not in "\n".join(sandbox.bot_process.log)


async def test_buttons_heed_who_presses_them_and_outlive_a_restart(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "0"})
    ada, ben, mo = sandbox.user("Ada"), sandbox.user("Ben"), sandbox.user("Mo")
    sandbox.openai.script("word " * 900, when=question_contains("Long"))
    running, long = await stalled(sandbox, ada, "Stall"), await ask(ada, "Long")
    refused = await press(ben, running.messages[0], "Stop")
    assert (refused.text, refused.private) == (NOT_YOURS, True)
    assert (await stop(mo, running)).endswith(STOPPED)
    assert [labels(each) for each in long.messages] == [[]] * (len(long.messages) - 1) + [AFTERWARDS]

    interrupted = await stalled(sandbox, ben, "Wait", channel="#random")
    assert await sandbox.restart() == 0
    assert labels(interrupted.messages[0]) == UNFINISHED
    assert (await press(ben, interrupted.messages[0], "Continue")).text
    assert sent_texts(sandbox.openai.calls("chat")[-1])[::2] == ["Wait", CONTINUE_PROMPT]
    calls = len(sandbox.openai.requests)
    for label in UNFINISHED:
        refused = await press(ben, running.messages[0], label)
        assert (refused.text, refused.private) == (NOT_YOURS, True)
    limit = {"scope": "member", "kind": "messages", "limit": "0", "per": "day", "target_member": ada.user}
    await run_command(mo, "/quota set", **limit)
    for label in ("Regenerate", "Continue"):
        refused = await press(ada, running.messages[0], label)
        assert refused.private
        assert refused.text.startswith("I can't do that: your limit in this server is 0 messages per ")
    assert len([call for call in sandbox.openai.requests[calls:] if call.kind is not CallKind.MODELS]) == 0
    assert (await press(mo, running.messages[0], "Regenerate")).text
    await delete(sandbox, mo, long)

    await run_command(mo, "/quota clear", **{name: each for name, each in limit.items() if name != "limit"})
    private = await ask(ada, "Between us.", private=True)
    again = await press(ada, private.messages[0], "Regenerate")
    assert again.private
    assert sent_texts(sandbox.openai.calls("chat")[-1]) == ["Between us."]
    await delete(sandbox, ada, private)
    assert again.messages

    forgotten = await ask(ada, "Forget this.")
    await press_button(ada, await run_command(ada, "/privacy delete"), "Delete everything")
    assert (await press(ada, forgotten.messages[0], "Regenerate")).text == render(TurnNotFound.message)
    assert (await press(ben, forgotten.messages[0], "Delete")).text == NOT_YOURS
    await delete(sandbox, ada, forgotten)


async def test_stop_reaches_whichever_process_is_writing(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    await sandbox.start_second()
    people = [sandbox.join(f"Member {number}") for number in range(6)]
    sandbox.openai.faults.always(CallKind.CHAT, Stall(after=4))
    answers = await all_of(_begun(each) for each in people)
    shown = await all_of(stop(person, used) for person, used in zip(people, answers, strict=True))
    assert all(text.endswith(STOPPED) for text in shown)


async def _begun(person: ClientUser) -> InteractionResult:
    return await wait_until_started(await person.command("/ask", prompt="Go on."))


async def test_mentions_thoughts_and_files_have_the_same_buttons(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4))
    said = await ada.asks("Tell me.")
    await said.until(lambda each: each.messages and labels(each.messages[0]) == ["Stop"], deadline_s=DEADLINE_S)
    (message,) = said.messages
    assert (await press(ben, message, "Stop")).text == NOT_YOURS
    await (await ada.clicks(message, "Stop")).until_acknowledged()
    await said.until(lambda each: labels(message) == UNFINISHED, deadline_s=DEADLINE_S)
    assert message.content.endswith(STOPPED)
    again = await press(ada, message, "Regenerate")
    assert sent_texts(sandbox.openai.calls("chat")[-1]) == ["Tell me."]
    await (await ada.clicks(message, "Delete")).until_acknowledged()
    await said.until(lambda each: not each.messages, deadline_s=DEADLINE_S)
    assert again.messages

    about = await mention(
        ada, "What does it do?", files={"tide.py": b"ebb = 1"}, reply_to=await ben.says("Look at it.")
    )
    first = sandbox.openai.calls("chat")[-1].messages
    await press(ada, about.messages[0], "Regenerate")
    assert sandbox.openai.calls("chat")[-1].messages == first

    sandbox.openai.faults.next(CallKind.CHAT, StreamStyle(reasoning=("Let me think. ",) * 3), Stall(after=3))
    thinking = await ada.command("/ask", prompt="Think.")
    await thinking.until(is_thinking, deadline_s=DEADLINE_S)
    assert await stop(ada, thinking) == render(answers.stopped_before_text())
    assert labels(thinking.messages[0]) == []

    shown = await ask(ada, "And this?", attachment=ada.uploads("tide.py", b"flow = 1"))
    assert (await press(ada, shown.messages[0], "Regenerate")).text == render(InputsUnavailable.message)


async def test_images_are_generated_again_and_with_another_prompt_after_a_restart(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben, mo = sandbox.user("Ada"), sandbox.user("Ben"), sandbox.user("Mo")
    given = {"prompt": "a cat", "size": "1024x1024", "n": 2, "spoiler": True}
    drawn = await run_command(ada, "/draw", **given)
    (message,) = drawn.messages
    assert labels(message) == ["Again", "Edit prompt", "Delete"]
    assert await sandbox.restart() == 0
    for label in labels(message):
        assert (await press(ben, message, label)).text == NOT_YOURS
    await run_command(mo, "/channel model", model="dall-e-2", kind="image")
    again = await press(ada, message, "Again")
    call = sandbox.openai.calls("images")[-1].body
    assert (call["model"], call["prompt"], call["size"]) == ("dall-e-2", "a cat", "1024x1024")
    assert [each.filename for each in again.messages[0].attachments] == ["SPOILER_image-1.png", "SPOILER_image-2.png"]

    opened = await ada.clicks(message, "Edit prompt")
    await opened.until(lambda each: each.modal, deadline_s=DEADLINE_S)
    assert await sandbox.restart() == 0
    edited = await wait_until_final(await ada.submits(opened, text="a dog"))
    assert sandbox.openai.calls("images")[-1].body["prompt"] == "a dog"
    assert [each.description for each in edited.messages[0].attachments] == ["a dog", "a dog"]
    assert labels(edited.messages[0]) == ["Again", "Edit prompt", "Delete"]

    await delete(sandbox, mo, drawn)
    images = len(sandbox.openai.calls("images"))
    limit = {"scope": "member", "kind": "images", "limit": "0", "per": "day", "target_member": ada.user}
    await run_command(mo, "/quota set", **limit)
    refused = await press(ada, edited.messages[0], "Again")
    assert (refused.private, len(sandbox.openai.calls("images"))) == (True, images)
    assert "Traceback" not in "\n".join(sandbox.bot_process.log)
