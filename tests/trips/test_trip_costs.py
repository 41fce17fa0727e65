"""What an answer costs that ended early: nothing where the service or the bot ended it before its first word."""

import signal

import pytest

from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Reset, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, begun, whole
from tests.trips.reading import usage

NOTHING = {"messages": 0, "tokens": 0}


async def asked_of_the_api(box: Sandbox, requests: int = 1) -> None:
    await box.openai.until(lambda: len(box.openai.calls(CallKind.CHAT)) == requests, DEADLINE_S)


async def spent(box: Sandbox, person: ClientUser, answers: int = 1) -> dict[str, int]:
    """What `/usage` says once so many answers have ended."""
    await box.bot_process.changed.until(
        lambda: sum("trip command=ask" in line for line in box.bot_process.log) == answers,
        deadline_s=DEADLINE_S,
        what=f"the end of {answers} answers",
    )
    used = await usage(person)
    return {kind: used[kind] for kind in NOTHING}


@pytest.mark.parametrize("hang", [Hang(), Hang(after_headers=True)], ids=["before an answer", "after its headers"])
async def test_a_question_deleted_before_the_first_word_costs_what_was_asked(open_box: OpenBox, hang: Hang) -> None:
    box = await open_box({**ANY_NUMBER, "QUOTA_MEMBER_MESSAGES_PER_DAY": "2"})
    ada = box.user("Ada")
    box.openai.faults.always(CallKind.CHAT, hang)
    for number in (1, 2):
        said = await ada.asks(f"What of the tides, part {number}?")
        await asked_of_the_api(box, number)
        ada.deletes(said.message)
        used = await spent(box, ada, number)
        assert used["messages"] == number
        assert used["tokens"] >= 10 * number
    refused = await whole(await ada.asks("And now?"))
    assert "You have used your 2 messages for today" in refused.text
    assert len(box.openai.calls(CallKind.CHAT)) == 2


async def test_a_deleted_answer_or_channel_costs_the_same(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada, mo = box.user("Ada"), box.user("Mo")
    box.openai.faults.always(CallKind.CHAT, Hang())
    thinking = await ada.command("/ask", prompt="What of the tides?")
    await asked_of_the_api(box)
    mo.deletes(thinking.all_messages[0])
    assert (await spent(box, ada))["messages"] == 1
    await ada.command("/ask", prompt="What of the tides?", channel="#random")
    await asked_of_the_api(box, 2)
    mo.deletes_channel("#random")
    assert (await spent(box, ada, 2))["messages"] == 2


@pytest.mark.parametrize("fault", [Status(400), Status(503), Reset()], ids=["a refusal", "trouble", "a broken line"])
async def test_what_the_service_ends_before_the_first_word_costs_nothing(box: Sandbox, ada: ClientUser, fault) -> None:
    box.openai.faults.always(CallKind.CHAT, fault)
    await whole(await ada.command("/ask", prompt="What of the tides?"))
    assert await spent(box, ada) == NOTHING


async def test_a_question_deleted_between_two_tries_costs_nothing(box: Sandbox, ada: ClientUser) -> None:
    box.openai.faults.always(CallKind.CHAT, Status(429, retry_after="20"))
    said = await ada.asks("What of the tides?")
    await box.bot_process.until_logged("chat: try 1 of 3 failed", deadline_s=DEADLINE_S)
    ada.deletes(said.message)
    assert await spent(box, ada) == NOTHING


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_what_the_bots_own_end_cuts_off_before_the_first_word_costs_nothing(
    open_box: OpenBox, number: signal.Signals
) -> None:
    box = await open_box({"SHUTDOWN_GRACE_SECONDS": "0"})
    ada = box.user("Ada")
    box.openai.faults.next(CallKind.CHAT, Hang())
    asked = await ada.command("/ask", prompt="What of the tides?")
    await asked_of_the_api(box)
    await (box.bot_process.kill() if number is signal.SIGKILL else box.bot_process.stop())
    await box.start()
    await whole(asked)
    used = await usage(ada)
    assert {kind: used[kind] for kind in NOTHING} == NOTHING


async def test_from_the_first_word_on_it_costs_what_came(open_box: OpenBox) -> None:
    box = await open_box({"SHUTDOWN_GRACE_SECONDS": "0"})
    ada = box.user("Ada")
    box.openai.faults.always(CallKind.CHAT, Stall(after=4))
    said = await begun(await ada.asks("What of the tides?"))
    box.user("Mo").deletes(said.messages[0])
    deleted = await spent(box, ada)
    await begun(await ada.command("/ask", prompt="What of the tides?"))
    await box.bot_process.stop()
    await box.start()
    interrupted = await usage(ada)
    assert (deleted["messages"], interrupted["messages"]) == (1, 2)
    assert interrupted["tokens"] > deleted["tokens"] > 0


async def test_pictures_are_drawn_and_cost_although_their_place_was_deleted(box: Sandbox, ada: ClientUser) -> None:
    box.openai.faults.next(CallKind.IMAGES, Hang())
    drawing = await ada.command("/draw", prompt="a boat", n=2, model="dall-e-2")
    await box.openai.until(lambda: bool(box.openai.calls(CallKind.IMAGES)), DEADLINE_S)
    box.user("Mo").deletes(drawing.all_messages[0])
    box.openai.faults.release()
    await box.bot_process.until_logged("trip command=draw", deadline_s=DEADLINE_S)
    assert (await usage(ada))["images"] == 2
