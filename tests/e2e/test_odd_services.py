"""An AI service whose answers are odd: each becomes one plain sentence, and none ends what runs in the background."""

import base64
import json
from typing import Any

import pytest

from bot.errors import ContentRefused
from bot.messages.render import render
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Body, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, ask, run_command
from tests.support.make_picture import picture
from tests.support.observations import usage

NO_DAY = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


async def test_a_list_of_models_that_never_comes_leaves_the_default_and_a_clean_end(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    sandbox.openai.faults.always(CallKind.MODELS, Status(429, retry_after=NO_DAY))
    assert await sandbox.restart() == 0
    await sandbox.bot_process.until_logged("models not listed error=ApiRateLimited", deadline_s=DEADLINE_S)
    for model in ("gpt-4o", "zz\n2026-11-30T00:00:00.000Z ERROR   bot.discord_ui: forged line of a log \x1b[31m"):
        refused = await ask(ada, "Hello?", model=model)
        assert refused.private
        assert refused.text.startswith("I don't know yet which models there are")
    assert sandbox.openai.calls(CallKind.CHAT) == []
    assert (await ask(ada, "Hello?")).deferred
    assert await sandbox.bot_process.stop() == 0
    log = "\n".join(sandbox.bot_process.log)
    assert "forged" not in log
    assert "Traceback" not in log


async def test_an_absurd_time_to_wait_is_no_time(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.faults.always(CallKind.CHAT, Status(429, retry_after=NO_DAY))
    used = await ask(ada, "Hello?")
    assert used.text == "The AI service is very busy right now. Please try again in a moment."


@pytest.mark.parametrize("address", ["http://a..b/", "http://[::1", "http://a:99999999/", "http://xn--a.com/"])
async def test_an_odd_address_of_a_picture_leaves_its_neighbour_alone(
    sandbox: Sandbox, ada: ClientUser, address: str
) -> None:
    good = {"b64_json": base64.b64encode(picture(8, 8)).decode()}
    sandbox.openai.faults.next(CallKind.IMAGES, body({"created": 1, "data": [{"url": address}, good]}))
    used = await run_command(ada, "/draw", prompt="a boat", n=2, model="dall-e-2")
    assert len(used.messages[0].attachments) == 1
    assert used.text.startswith("1 of the 2 images is missing. ")
    assert (await usage(ada))["images"] == 1


async def test_an_image_refused_in_words_shows_an_error_and_costs_nothing(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.faults.next(CallKind.IMAGES, body({"data": [], "message": "I'm sorry, I can't draw that."}))
    used = await run_command(ada, "/draw", prompt="a boat")
    assert used.text == render(ContentRefused.message)
    assert (await usage(ada))["images"] == 0


async def test_figures_beyond_sense_leave_the_answer_and_cost_the_estimate(sandbox: Sandbox, ada: ClientUser) -> None:
    chunks = [
        {"choices": [{"delta": {"content": "Twice a day."}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 2**64 - 1, "completion_tokens": 5}},
    ]
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    sandbox.openai.faults.next(CallKind.CHAT, Body(stream.encode(), content_type="text/event-stream"))
    used = await ask(ada, "What of the tides?")
    assert used.text == "Twice a day."
    spent = await usage(ada)
    assert spent["messages"] == 1
    assert 10 < spent["tokens"] < 1000


def body(answer: dict[str, Any]) -> Body:
    return Body(json.dumps(answer).encode(), content_type="application/json")
