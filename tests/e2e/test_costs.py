"""What an answer costs that ended early: nothing where the service or the bot ended it before its first word."""

import signal

import pytest

from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Fault, Hang, Reset, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, wait_until_final, wait_until_started
from tests.support.observations import usage

NOTHING = {"messages": 0, "tokens": 0}


async def asked_of_the_api(sandbox: Sandbox, requests: int = 1) -> None:
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == requests, DEADLINE_S)


async def spent(sandbox: Sandbox, person: ClientUser, answers: int = 1) -> dict[str, int]:
    """What `/usage` says once so many answers have ended."""
    await sandbox.bot_process.changed.until(
        lambda: sum("request command=ask" in line for line in sandbox.bot_process.log) == answers,
        deadline_s=DEADLINE_S,
        what=f"the end of {answers} answers",
    )
    used = await usage(person)
    return {kind: used[kind] for kind in NOTHING}


@pytest.mark.parametrize("hang", [Hang(), Hang(after_headers=True)], ids=["before an answer", "after its headers"])
async def test_a_question_deleted_before_the_first_word_costs_what_was_asked(
    open_sandbox: OpenSandbox, hang: Hang
) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "QUOTA_MEMBER_MESSAGES_PER_DAY": "2"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.always(CallKind.CHAT, hang)
    for number in (1, 2):
        said = await ada.asks(f"What of the tides, part {number}?")
        await asked_of_the_api(sandbox, number)
        ada.deletes(said.message)
        used = await spent(sandbox, ada, number)
        assert used["messages"] == number
        assert used["tokens"] >= 10 * number
    refused = await wait_until_final(await ada.asks("And now?"))
    assert "You've used your limit: 2 messages per day." in refused.text
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 2


async def test_a_deleted_answer_or_channel_costs_the_same(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    sandbox.openai.faults.always(CallKind.CHAT, Hang())
    thinking = await ada.command("/ask", prompt="What of the tides?")
    await asked_of_the_api(sandbox)
    mo.deletes(thinking.all_messages[0])
    assert (await spent(sandbox, ada))["messages"] == 1
    await ada.command("/ask", prompt="What of the tides?", channel="#random")
    await asked_of_the_api(sandbox, 2)
    mo.deletes_channel("#random")
    assert (await spent(sandbox, ada, 2))["messages"] == 2


@pytest.mark.parametrize("fault", [Status(400), Status(503), Reset()], ids=["a refusal", "trouble", "a broken line"])
async def test_what_the_service_ends_before_the_first_word_costs_nothing(
    sandbox: Sandbox, ada: ClientUser, fault: Fault
) -> None:
    sandbox.openai.faults.always(CallKind.CHAT, fault)
    await wait_until_final(await ada.command("/ask", prompt="What of the tides?"))
    assert await spent(sandbox, ada) == NOTHING


async def test_a_question_deleted_between_two_tries_costs_nothing(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.faults.always(CallKind.CHAT, Status(429, retry_after="20"))
    said = await ada.asks("What of the tides?")
    await sandbox.bot_process.until_logged("API attempt failed call=chat attempt=1", deadline_s=DEADLINE_S)
    ada.deletes(said.message)
    assert await spent(sandbox, ada) == NOTHING


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_what_the_bots_own_end_cuts_off_before_the_first_word_costs_nothing(
    open_sandbox: OpenSandbox, number: signal.Signals
) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "0"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    asked = await ada.command("/ask", prompt="What of the tides?")
    await asked_of_the_api(sandbox)
    await (sandbox.bot_process.kill() if number is signal.SIGKILL else sandbox.bot_process.stop())
    await sandbox.start()
    await wait_until_final(asked)
    used = await usage(ada)
    assert {kind: used[kind] for kind in NOTHING} == NOTHING


async def test_from_the_first_word_on_it_costs_what_came(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "0"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.always(CallKind.CHAT, Stall(after=4))
    said = await wait_until_started(await ada.asks("What of the tides?"))
    sandbox.user("Mo").deletes(said.messages[0])
    deleted = await spent(sandbox, ada)
    await wait_until_started(await ada.command("/ask", prompt="What of the tides?"))
    await sandbox.bot_process.stop()
    await sandbox.start()
    interrupted = await usage(ada)
    assert (deleted["messages"], interrupted["messages"]) == (1, 2)
    assert interrupted["tokens"] > deleted["tokens"] > 0


async def test_images_cost_although_their_channel_was_deleted(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.faults.next(CallKind.IMAGES, Hang())
    drawing = await ada.command("/draw", prompt="a boat", n=2, model="dall-e-2")
    await sandbox.openai.until(lambda: bool(sandbox.openai.calls(CallKind.IMAGES)), DEADLINE_S)
    sandbox.user("Mo").deletes(drawing.all_messages[0])
    sandbox.openai.faults.release()
    await sandbox.bot_process.until_logged("request command=draw", deadline_s=DEADLINE_S)
    assert (await usage(ada))["images"] == 2
