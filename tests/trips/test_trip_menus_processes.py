"""The form that a message's menu opens, with a bot that starts again, dies, or has a sibling."""

from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, begun, is_about, whole
from tests.trips.menus import FORGOTTEN, asks_about, opened


async def test_a_form_from_before_a_restart_says_that_it_is(open_box: OpenBox) -> None:
    box = await open_box()
    ada = box.user("Ada")
    message = await ada.says("words")
    form = await opened(ada, message)
    await box.restart()
    used = await whole(await ada.submits(form, text="what now?"))
    assert used.private
    assert FORGOTTEN in used.text
    again = await asks_about(ada, message, "what now?")
    assert again.text == box.openai.calls(CallKind.CHAT)[-1].answer
    # An answer to a form is marked like any other when its process dies.
    box.openai.faults.next(CallKind.CHAT, Stall(after=6), when=is_about("and then?"))
    broken = await begun(await ada.submits(await opened(ada, message), text="and then?"))
    await box.bot_process.kill()
    await box.start()
    await broken.until(lambda each: "I was interrupted here" in each.text, deadline_s=DEADLINE_S)


async def test_a_form_is_answered_by_the_process_that_knows_its_message(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    await box.start_second()
    ada = box.user("Ada")
    message = await ada.says("words")
    for number in range(6):
        used = await asks_about(ada, message, f"question {number}")
        assert used.text == box.openai.calls(CallKind.CHAT)[-1].answer
    assert len(box.openai.calls(CallKind.CHAT)) == 6
