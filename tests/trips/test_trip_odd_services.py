"""An AI service whose answers are odd: each becomes one plain sentence, and none ends what runs in the background."""

from bot.sandbox.faults import Status
from bot.sandbox.model_calls import Kind
from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from tests.support.trip_box import DEADLINE_S, ask

NO_DAY = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


async def test_a_list_of_models_that_never_comes_leaves_the_default_and_a_clean_end(box: Sandbox, ada: Person) -> None:
    box.model_api.faults.always(Kind.MODELS, Status(429, retry_after=NO_DAY))
    assert await box.restart() == 0
    await box.child.until_logged("models not listed error=RateLimited", deadline_s=DEADLINE_S)
    for model in ("gpt-4o", "zz\n2026-11-30T00:00:00.000Z ERROR   bot.ui: forged line of a log \x1b[31m"):
        refused = await ask(ada, "Hello?", model=model)
        assert refused.private
        assert refused.text.startswith("I don't know yet which models there are")
    assert box.model_api.calls(Kind.CHAT) == []
    assert (await ask(ada, "Hello?")).deferred
    assert await box.child.stop() == 0
    log = "\n".join(box.child.log)
    assert "forged" not in log
    assert "Traceback" not in log


async def test_an_absurd_time_to_wait_is_no_time(box: Sandbox, ada: Person) -> None:
    box.model_api.faults.always(Kind.CHAT, Status(429, retry_after=NO_DAY))
    used = await ask(ada, "Hello?")
    assert used.text == "The AI service is very busy right now. Please try again in a moment."
