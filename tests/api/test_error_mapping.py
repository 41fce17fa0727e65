"""What statuses and error bodies mean; what of them is said to whom."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from bot.api.error_mapping import DeveloperRoleUnsupported, error_from_payload, error_from_status
from bot.api.payloads import ChatMessage
from bot.errors import (
    ApiError,
    ApiRateLimited,
    ApiServerError,
    ApiTimeout,
    BadRequest,
    ContentRefused,
    ContextTooLong,
    InvalidApiResponse,
    PaymentOrForbidden,
    Unauthorised,
    UnknownModel,
)
from bot.messages.render import render
from tests.api.api_peers import (
    Connect,
    chunked,
    delta,
    peer,
    replying,
    writing,
)
from tests.support.clock import ShortPauseClock

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
QUESTION = [ChatMessage("user", "hello")]


def error(message: str = "", **more: object) -> str:
    return json.dumps({"error": {"message": message} | more})


FAULTS = {
    "401": (401, error(code="invalid_api_key"), Unauthorised),
    "401 page": (401, "<html>401</html>", Unauthorised),
    "402": (402, "", PaymentOrForbidden),
    "403": (403, '{"error": "forbidden"}', PaymentOrForbidden),
    "403 flagged": (403, error(code="content_policy_violation"), ContentRefused),
    "403 model": (403, error(code="model_not_found"), UnknownModel),
    "404": (404, "404 page not found", UnknownModel),
    "400 model by code": (400, error(code="model_not_found"), UnknownModel),
    "400 model by words": (400, error("The model `gpt-9` does not exist"), UnknownModel),
    "408": (408, "", ApiTimeout),
    "413": (413, "<html>too large</html>", ContextTooLong),
    "400 context by code": (400, error(code="context_length_exceeded"), ContextTooLong),
    "400 context by words": (400, error("This model's maximum context length is 8192 tokens."), ContextTooLong),
    "400 context of llama.cpp": (400, error(type="exceed_context_size_error", code=400), ContextTooLong),
    "500 context by code": (500, error(code="context_length_exceeded"), ContextTooLong),
    "400 content policy": (400, error(code="content_policy_violation"), ContentRefused),
    "400 content filter": (400, error(code="content_filter"), ContentRefused),
    "400 moderation": (400, error(code="moderation_blocked"), ContentRefused),
    "400 safety by words": (400, error("Your request was rejected by our safety system."), ContentRefused),
    "400 Azure": (400, error(innererror={"code": "ResponsibleAIPolicyViolation"}), ContentRefused),
    "400 developer": (400, error("Invalid value: 'developer'."), DeveloperRoleUnsupported),
    "422 FastAPI": (422, '{"detail": [{"msg": "Input should be \'system\' or \'user\'"}]}', DeveloperRoleUnsupported),
    "400 template": (400, error("Only user, assistant and system roles are supported!"), DeveloperRoleUnsupported),
    "400": (400, error("n must be 1", type="invalid_request_error"), BadRequest),
    "400 text": (400, '"no"', BadRequest),
    "418": (418, "", BadRequest),
    "429": (429, error(code="rate_limit_exceeded"), ApiRateLimited),
    "429 without credit": (429, error(code="insufficient_quota"), PaymentOrForbidden),
    "429 without credit by words": (429, error("You exceeded your current quota"), PaymentOrForbidden),
    "500": (500, "Internal Server Error", ApiServerError),
    "502": (502, "<html>502</html>", ApiServerError),
    "503": (503, error(), ApiServerError),
    "504": (504, "", ApiTimeout),
    "529": (529, error(type="overloaded_error"), ApiServerError),
    "302": (302, "", InvalidApiResponse),
    "Google's list": (400, '[{"error": {"status": "INVALID_ARGUMENT"}}]', BadRequest),
    "deep nonsense": (400, "[" * 5000, BadRequest),
    "not UTF-8": (500, "\udcff\udcfe", ApiServerError),
}


@pytest.mark.parametrize(("status", "body", "kind"), FAULTS.values(), ids=FAULTS)
def test_a_status_and_its_body_become_the_error_that_fits(status: int, body: str, kind: type[ApiError]) -> None:
    fault = error_from_status("chat", status, None, body.encode("utf-8", "surrogateescape"), NOW)

    assert type(fault) is kind
    assert fault.status == status
    assert render(fault.message)


IN_ANSWERS = {
    "number": ({"error": {"code": 429}}, ApiRateLimited),
    "number as text": ({"error": {"code": "402"}}, PaymentOrForbidden),
    "key": ({"error": {"code": "invalid_api_key"}}, Unauthorised),
    "credit": ({"error": {"type": "insufficient_quota"}}, PaymentOrForbidden),
    "rate": ({"error": {"type": "rate_limit_error"}}, ApiRateLimited),
    "content": ({"error": {"code": "content_filter"}}, ContentRefused),
    "context": ({"error": {"message": "maximum context length"}}, ContextTooLong),
    "request": ({"error": {"type": "invalid_request_error"}}, BadRequest),
    "text": ("it broke", ApiServerError),
    "text with JSON": ('{"error": {"code": "model_not_found"}}', UnknownModel),
    "nothing": (None, ApiServerError),
    "true": ({"error": True}, ApiServerError),
}


@pytest.mark.parametrize(("said", "kind"), IN_ANSWERS.values(), ids=IN_ANSWERS)
def test_an_error_under_a_success_is_told_by_its_code(said: object, kind: type[ApiError]) -> None:
    assert type(error_from_payload("chat", said)) is kind


WAITS = {
    "seconds": ("7", 7.0),
    "part of a second": ("0.25", 0.25),
    "date": ("Tue, 01 Sep 2026 12:00:15 GMT", 15.0),
    "date in the past": ("Tue, 01 Sep 2026 11:00:00 GMT", 0.0),
    "negative": ("-3", 0.0),
    "nonsense": ("soon", None),
    "not a number": ("nan", None),
    "infinite": ("inf", None),
    "absent": (None, None),
}


@pytest.mark.parametrize(("header", "seconds"), WAITS.values(), ids=WAITS)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    fault = error_from_status("chat", 429, header, b"", NOW)

    assert isinstance(fault, ApiRateLimited)
    assert fault.retry_after == seconds


def test_the_log_gets_the_status_and_the_code_but_no_words_of_the_server() -> None:
    fault = error_from_status("chat", 400, None, error("MARKER", code="string_too_odd", param="MARKER").encode(), NOW)

    assert str(fault) == "chat: 400 string_too_odd"
    assert "MARKER" not in render(fault.message)


@pytest.mark.parametrize("code", ["hello there", "a" * 60, "<b>", "sk-MARKERKEY", "", "ключ", None, 3.5, ["x"]])
def test_a_code_that_is_no_plain_word_is_left_out_of_the_log(code: object) -> None:
    fault = error_from_status("chat", 400, None, error(code=code).encode(), NOW)

    assert str(fault) == "chat: 400"


@pytest.mark.parametrize("status", [502, 503, 504, 429])
async def test_passing_trouble_is_tried_again(connect: Connect, clock: ShortPauseClock, status: int) -> None:
    async with peer(replying(status=status), chunked(delta("Hi", finish="stop"))) as api:
        answer = await connect(api.base_url).chat.complete("m", QUESTION)

    assert answer.text == "Hi"
    assert [0.2 < nap < 2 for nap in clock.slept_s] == [True]


async def test_three_tries_are_all_and_the_pauses_grow(connect: Connect, clock: ShortPauseClock) -> None:
    async with peer(replying(status=503)) as api:
        with pytest.raises(ApiServerError):
            await connect(api.base_url).chat.complete("m", QUESTION)

    assert len(api.requests) == 3
    assert len(clock.slept_s) == 2
    assert 0.25 <= clock.slept_s[0] <= 0.75
    assert 0.5 <= clock.slept_s[1] <= 1.5


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 500, 302])
async def test_what_will_not_pass_is_not_tried_again(connect: Connect, clock: ShortPauseClock, status: int) -> None:
    async with peer(replying(status=status, Location="/v1/elsewhere")) as api:
        with pytest.raises(ApiError):
            await connect(api.base_url).chat.complete("m", QUESTION)

    assert len(api.requests) == 1
    assert clock.slept_s == []


async def test_retry_after_is_honoured_up_to_twenty_seconds(connect: Connect, clock: ShortPauseClock) -> None:
    async with peer(replying(status=429, Retry_After="20"), chunked(delta("Hi", finish="stop"))) as api:
        answer = await connect(api.base_url).chat.complete("m", QUESTION)

    assert answer.text == "Hi"
    assert len(clock.slept_s) == 1
    assert clock.slept_s[0] >= 20


async def test_retry_after_as_a_date_is_measured_on_the_clock(connect: Connect) -> None:
    clock = ShortPauseClock(now=NOW)
    limited = replying(status=429, Retry_After="Tue, 01 Sep 2026 12:00:09 GMT")
    async with peer(limited, chunked(delta("Hi", finish="stop"))) as api:
        await connect(api.base_url, clock=clock).chat.complete("m", QUESTION)

    assert 9 <= clock.slept_s[0] <= 10


async def test_a_longer_wait_is_told_at_once_instead(connect: Connect, clock: ShortPauseClock) -> None:
    async with peer(replying(status=429, Retry_After="21")) as api:
        with pytest.raises(ApiRateLimited) as caught:
            await connect(api.base_url).chat.complete("m", QUESTION)

    assert caught.value.retry_after == 21
    assert "21 seconds" in render(caught.value.message)
    assert clock.slept_s == []


@pytest.mark.parametrize(
    "said",
    [
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:00 +99999999999999",
        "Mon, 01 Jan 9999 00:00:00 -2359",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "99999999999999999999 Feb 07:28:00 31",
        "1e400",
        "1e300",
        "nan",
        "inf",
        "9" * 5000,
        "9999999999",
        "soon",
    ],
    ids=lambda said: said[:24],
)
async def test_an_absurd_retry_after_tells_no_time(connect: Connect, said: str) -> None:
    async with peer(replying(status=429, Retry_After=said)) as api:
        with pytest.raises(ApiRateLimited) as caught:
            await connect(api.base_url).chat.complete("m", QUESTION)

    assert caught.value.retry_after is None
    assert render(caught.value.message) == render(ApiRateLimited.message)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "a second"),
        (1.4, "a second"),
        (21, "21 seconds"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (3600, "60 minutes"),
        (7200, "2 hours"),
        (86_400, "24 hours"),
        (30 * 86_400, "30 days"),
    ],
)
def test_a_time_to_wait_is_told_as_people_do(seconds: float, told: str) -> None:
    assert render(ApiRateLimited("m", retry_after=seconds).message).endswith(f" again in {told}.")


async def test_an_endless_error_body_is_read_to_its_bound(connect: Connect) -> None:
    async def flooding(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with peer(flooding) as api:
        with pytest.raises(BadRequest):
            await connect(api.base_url).chat.complete("m", QUESTION)


async def test_an_error_body_that_breaks_off_leaves_the_status(connect: Connect) -> None:
    async with peer(writing(b"HTTP/1.1 401 No\r\nContent-Length: 500\r\n\r\n{")) as api:
        with pytest.raises(Unauthorised):
            await connect(api.base_url).chat.complete("m", QUESTION)
