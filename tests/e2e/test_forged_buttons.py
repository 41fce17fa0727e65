"""Buttons that somebody with a client of their own puts under messages where the bot never put them."""

from sandbox.client.components import find_buttons
from sandbox.client.user import ClientUser
from sandbox.discord.messages import Message
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from sandbox.sandbox import Sandbox
from tests.support.answer_buttons import NOT_YOURS, STOPPED, stalled, stop
from tests.support.e2e import ANY_NUMBER, OpenSandbox, ask, mention, run_command, wait_until_final, wait_until_started

NO_SUCH_BUTTON = "That button doesn't work any more."


async def forged(person: ClientUser, message: Message, name: str, number: int) -> str:
    """Press a button that isn't there; give what the person is told, privately."""
    real = message.components
    message.components = [
        {"type": 1, "components": [{"type": 2, "style": 2, "label": "Forged", "custom_id": f"{name}:{number}"}]}
    ]
    used = await person.clicks(message, "Forged")
    message.components = real
    assert (await wait_until_final(used)).private
    return used.text


def subject(message: Message, label: str) -> int:
    """The id that a button carries."""
    custom_id: str = next(each["custom_id"] for each in find_buttons(message.components) if each["label"] == label)
    return int(custom_id.split(":")[1])


async def test_nobody_stops_anothers_answer_by_a_button_of_their_own(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    own = (await ask(ben, "Mine.")).messages[0]
    running = await stalled(sandbox, ada, "Tell me about tides.")
    answer_id = subject(running.messages[0], "Stop")
    assert await forged(ben, own, "answer-stop", answer_id) == NOT_YOURS
    assert await forged(ben, running.messages[0], "answer-stop", answer_id) == NOT_YOURS
    assert (await stop(ada, running)).endswith(STOPPED)


async def test_a_buttons_id_does_not_decide_who_owns_a_mentions_answer(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, Stall(after=4))
    running = await wait_until_started(await ada.asks("Tell me about tides."))
    answer_id = subject(running.messages[0], "Stop")
    assert await forged(ben, running.messages[0], f"answer-stop:{answer_id}", ben.id) == NO_SUCH_BUTTON
    assert (await (await ben.clicks(running.messages[0], "Stop")).until(lambda each: each.messages)).text == NOT_YOURS
    await ada.clicks(running.messages[0], "Stop")
    assert (await wait_until_final(running)).text.endswith(STOPPED)


async def test_an_answer_of_ones_own_takes_no_message_of_anothers_away(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    own, own_picture = (
        (await ask(ben, "Mine.")).messages[0],
        (await run_command(ben, "/draw", prompt="a boat")).messages[0],
    )
    hers = [(await ask(ada, "Hers.")).messages[0], (await mention(ada, "Hers too.")).messages[0]]
    hers.append((await run_command(ada, "/draw", prompt="a parrot")).messages[0])
    for message in hers:
        assert await forged(ben, message, "answer-delete", subject(own, "Delete")) == NOT_YOURS
        assert await forged(ben, message, "picture-delete", subject(own_picture, "Delete")) == NOT_YOURS
        assert await forged(ben, message, "answer-delete", 10**9) == NOT_YOURS
        assert message in ada.sees()


async def test_pages_for_one_person_are_not_put_into_messages_that_others_see(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    mo, message = sandbox.user("Mo"), (await ask(ada, "Hers.")).messages[0]
    await ask(mo, "Mine alone.", private=True)
    shown = message.content
    for name in ("history-older", "history-newer", "history-clear", "privacy-delete"):
        assert await forged(mo, message, name, 10**9) == NO_SUCH_BUTTON
    assert message.content == shown
    assert "of 2" in (await run_command(mo, "/history show")).text
