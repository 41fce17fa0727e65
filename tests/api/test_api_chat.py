"""The chat as its callers see it, against servers that behave as real ones do."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise

import msgspec
import pytest

from bot.api.api_client import ApiClient
from bot.api.chat_events import ChatEvent, ReasoningDelta, StreamEnd, TextDelta, Usage
from bot.api.payloads import ChatMessage, decode
from bot.errors import (
    ApiError,
    ApiRateLimited,
    ApiServerError,
    ApiTimeout,
    ApiUnreachable,
    ContentRefused,
    InvalidApiResponse,
)
from bot.text_work import SLICE_CHARACTERS
from tests.api.api_peers import (
    DEADLINE_S,
    DONE,
    Answer,
    Connect,
    Piece,
    chunked,
    delta,
    hanging,
    pass_until,
    peer,
    replying,
    reset,
    streaming,
    writing,
)
from tests.support.clock import FakeClock, ShortPauseClock
from tests.support.event_loop_turns import count_turns

HELLO = [ChatMessage("developer", "be kind"), ChatMessage("user", "hello")]
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "prompt_tokens_details": None}


async def listen(client: ApiClient) -> list[ChatEvent]:
    async with aclosing(client.chat.stream("gpt-4.1", HELLO)) as events:
        return [event async for event in events]


def text_of(events: list[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_an_answer_streams_and_ends_with_its_usage(connect: Connect) -> None:
    usage = {"id": "x", "model": "gpt-4.1-2025", "choices": [], "usage": USAGE}
    async with peer(chunked(delta("", role="assistant"), delta("Hel"), delta("lo", finish="stop"), usage, DONE)) as api:
        events = await listen(connect(api.base_url))

    assert events == [
        TextDelta("Hel"),
        TextDelta("lo"),
        StreamEnd(Usage(9, 3), "stop", cut=False, model="gpt-4.1-2025"),
    ]


async def test_the_request_is_what_the_document_asks_for_and_no_more(connect: Connect) -> None:
    async with peer(chunked(delta("Hi", finish="stop"), DONE)) as api:
        await listen(connect(api.base_url))

    request = api.requests[0]
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.headers["authorization"] == "Bearer sk-MARKERKEY0123456789"
    assert request.headers["user-agent"].startswith("multiappai-discord-bot/")
    assert request.json == {
        "model": "gpt-4.1",
        "stream": True,
        "messages": [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "hello"}],
    }


NULLS = {"choices": [{"delta": {"content": None, "refusal": None}, "finish_reason": None}], "usage": None}
HABITS: dict[str, list[Piece]] = {
    "role-only first chunk": [delta(None, role="assistant"), delta("Hello", finish="stop"), DONE],
    "explicit nulls": [NULLS, delta("Hello", finish="stop"), DONE],
    "usage with the last words": [delta("Hello", finish="stop") | {"usage": USAGE}, DONE],
    "a new id per chunk": [delta("Hel") | {"id": "1"}, delta("lo", finish="stop") | {"id": "2"}, DONE],
    "no [DONE]": [delta("Hello"), delta(finish="stop")],
    "no finish reason": [delta("Hello"), DONE],
    "comments to keep alive": [": OPENROUTER PROCESSING\n\n", delta("Hello", finish="stop"), DONE],
    "content as parts": [delta([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]), DONE],
    "null choices": [{"choices": None}, {"choices": [None]}, delta("Hello"), DONE],
    "empty finish reasons": [delta("Hello", finish=""), DONE],
    "CRLF and a BOM": [b"\xef\xbb\xbf: hi\r\n\r\n", b'data:{"choices":[{"delta":{"content":"Hello"}}]}\r\n\r\n', DONE],
    "no blank line at the end": [delta("Hello"), "data: [DONE]"],
    "usage that is no usage": [delta("Hello"), {"choices": [], "usage": {"prompt_tokens": "many"}}, DONE],
    "half of a character in a field that nobody reads": [
        'data: {"id":"\\ud83d","choices":[{"delta":{"content":"Hel"}}]}\n\n',
        'data: {"choices":[{"delta":{"content":"lo"}}],"note":"\\\\ud83d"}\n\n',
        DONE,
    ],
    "a refusal in its own field": [delta(None, refusal="Hello"), DONE],
    "a delta with a null in place of parts": [{"choices": [{"delta": None}]}, delta("Hello"), DONE],
    "words for another choice": [delta("Hello"), {"choices": [{"index": 1, "delta": {"content": "No"}}]}, DONE],
}


@pytest.mark.parametrize("pieces", HABITS.values(), ids=HABITS)
@pytest.mark.parametrize("sending", [streaming, chunked])
async def test_habits_of_real_servers_change_nothing_for_the_reader(
    connect: Connect, pieces: list[Piece], sending: Callable[..., Answer]
) -> None:
    async with peer(sending(*pieces)) as api:
        events = await listen(connect(api.base_url))

    assert text_of(events) == "Hello"
    assert isinstance(events[-1], StreamEnd)
    assert not events[-1].cut


@pytest.mark.parametrize(
    "figures",
    [
        {"prompt_tokens": 2**64 - 1, "completion_tokens": 3},
        {"prompt_tokens": 9, "completion_tokens": 2**63},
        {"prompt_tokens": 10**4000, "completion_tokens": 3},
        {"prompt_tokens": 10**9, "completion_tokens": 3},
        {"prompt_tokens": True, "completion_tokens": True},
        {"prompt_tokens": -1, "completion_tokens": 3},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 9, "completion_tokens": 0},
        {"prompt_tokens": 9.0, "completion_tokens": 3.0},
        {"prompt_tokens": None, "completion_tokens": None},
        [9, 3],
        "9",
        1e308,
    ],
    ids=lambda figures: repr(figures)[:70],
)
async def test_absurd_figures_count_as_not_told(connect: Connect, figures: object) -> None:
    async with peer(chunked(delta("Hello", finish="stop"), {"choices": [], "usage": figures}, DONE)) as api:
        events = await listen(connect(api.base_url))

    assert text_of(events) == "Hello"
    assert isinstance(events[-1], StreamEnd)
    assert events[-1].usage is None


async def test_a_character_cut_in_two_does_not_end_an_answer(connect: Connect) -> None:
    halves = [f'data: {{"choices":[{{"delta":{{"content":"{half}"}}}}]}}\n\n' for half in ("\\ud83d", "\\ude00 Hello")]
    async with peer(chunked(*halves, DONE)) as api:
        events = await listen(connect(api.base_url))

    assert text_of(events) == "\ufffd\ufffd Hello"


async def test_hidden_reasoning_is_told_from_the_answer(connect: Connect) -> None:
    pieces: list[Piece] = [
        delta(None, reasoning_content="Hm", reasoning="Hm"),
        delta(None, reasoning="m."),
        delta("Yes.", finish="stop"),
        DONE,
    ]
    async with peer(chunked(*pieces)) as api:
        events = await listen(connect(api.base_url))

    assert events[:-1] == [ReasoningDelta("Hm"), ReasoningDelta("m."), TextDelta("Yes.")]


async def test_reasoning_written_into_the_answer_is_hidden_too(connect: Connect) -> None:
    async with peer(chunked(delta("\n<th"), delta("ink>Hm.</thi"), delta("nk>\n\nYes."), DONE)) as api:
        events = await listen(connect(api.base_url))

    assert events[:-1] == [ReasoningDelta("Hm."), TextDelta("Yes.")]


async def test_a_plain_answer_to_a_stream_request_is_one_delta(connect: Connect) -> None:
    whole = {
        "object": "chat.completion",
        "model": "m",
        "usage": USAGE,
        "choices": [{"message": {"role": "assistant", "content": "Hello", "refusal": None}, "finish_reason": "stop"}],
    }
    async with peer(replying(whole)) as api:
        events = await listen(connect(api.base_url))

    assert events == [TextDelta("Hello"), StreamEnd(Usage(9, 3), "stop", cut=False, model="m")]


@pytest.mark.parametrize("sending", [streaming, chunked])
async def test_a_stream_that_breaks_off_keeps_its_text_and_says_that_it_was_cut(
    connect: Connect, sending: Callable[..., Answer]
) -> None:
    pieces = [delta("Once upon"), delta(" a time"), 'data: {"choices":[{"del']
    async with peer(sending(*pieces)) as api:
        events = await listen(connect(api.base_url))

    assert text_of(events) == "Once upon a time"
    assert isinstance(events[-1], StreamEnd)
    assert events[-1].cut
    assert len(api.requests) == 1


async def test_a_reset_in_mid_stream_is_a_cut_too(connect: Connect) -> None:
    heard = asyncio.Event()

    async def breaking(writer: asyncio.StreamWriter) -> None:
        await chunked(delta("Once upon"))(writer)
        await heard.wait()
        reset(writer)

    async with peer(breaking) as api:
        stream = connect(api.base_url).chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("Once upon")
        heard.set()

        assert await anext(stream) == StreamEnd(None, None, cut=True, model=None)


async def test_a_connection_that_breaks_after_the_finish_reason_has_cut_nothing(connect: Connect) -> None:
    async with peer(chunked(delta("All of it.", finish="stop"), end="close")) as api:
        events = await listen(connect(api.base_url))

    assert events[-1] == StreamEnd(None, "stop", cut=False, model=None)


async def test_a_connection_that_breaks_before_the_first_words_is_tried_again(
    connect: Connect, clock: ShortPauseClock
) -> None:
    async with peer(chunked(delta(None, role="assistant")), chunked(delta("Hi"), DONE)) as api:
        events = await listen(connect(api.base_url))

    assert text_of(events) == "Hi"
    assert len(api.requests) == 2
    assert len(clock.slept_s) == 1


async def test_no_connection_at_all_is_unreachable_after_three_tries(connect: Connect, clock: ShortPauseClock) -> None:
    async with peer(hanging) as api:
        gone = api.base_url
    with pytest.raises(ApiUnreachable):
        await listen(connect(gone))

    assert len(clock.slept_s) == 2


async def test_an_error_in_mid_stream_keeps_what_came_and_is_not_tried_again(connect: Connect) -> None:
    trouble = {"error": {"message": "MARKER overloaded", "type": "server_error", "code": None}}
    async with peer(chunked(delta("Once"), trouble, DONE)) as api:
        stream = connect(api.base_url).chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("Once")
        with pytest.raises(ApiServerError) as caught:
            await anext(stream)

    assert "MARKER" not in str(caught.value)
    assert len(api.requests) == 1


ERRORS_IN_PLACE_OF_WORDS: dict[str, tuple[Piece, type[ApiError], int]] = {
    "rate limit": ({"error": {"code": "rate_limit_exceeded"}}, ApiRateLimited, 3),
    "status as code": ({"error": {"code": 502, "message": "upstream"}}, ApiServerError, 3),
    "bare text": ({"error": "it broke"}, ApiServerError, 1),
    "old vLLM": ({"object": "error", "message": "no"}, ApiServerError, 1),
    "event type": ('event: error\ndata: {"message": "x", "type": "overloaded_error"}\n\n', ApiServerError, 1),
}


@pytest.mark.parametrize(("piece", "error", "tries"), ERRORS_IN_PLACE_OF_WORDS.values(), ids=ERRORS_IN_PLACE_OF_WORDS)
async def test_an_error_in_place_of_the_first_words_is_told_by_its_code(
    connect: Connect, piece: Piece, error: type[ApiError], tries: int
) -> None:
    async with peer(chunked(piece, DONE)) as api:
        with pytest.raises(error):
            await listen(connect(api.base_url))

    assert len(api.requests) == tries


BROKEN = {
    "a page": replying("<html>Welcome</html>", content_type="text/html"),
    "garbage": replying(bytes(range(256)) * 8, content_type="text/event-stream"),
    "nothing": replying(b""),
    "no events": streaming("hello\n\nthere\n\n"),
    "only [DONE]": chunked(DONE),
    "no words": chunked(delta("", role="assistant"), delta(finish="stop"), DONE),
    "only white space": chunked(delta(" \n"), delta(finish="stop"), DONE),
    "half a JSON": replying('{"choices": [{"mess'),
    "another JSON": replying('{"choices": "none"}'),
    "events that are no JSON": chunked("data: hello\n\n", DONE),
    "events of other JSON": chunked("data: [1, 2]\n\n", DONE),
    "an endless line": streaming("data: " + "x" * 1_100_000),
    "not HTTP": writing(b"\x00\x01 this is no HTTP\r\n\r\n"),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_a_success_that_holds_no_answer_is_a_broken_one(connect: Connect, answer: Answer) -> None:
    async with peer(answer) as api:
        with pytest.raises(InvalidApiResponse):
            await listen(connect(api.base_url))

    assert len(api.requests) == 1


async def test_an_answer_that_the_content_filter_withheld_is_a_refusal(connect: Connect) -> None:
    async with peer(chunked(delta(None, role="assistant"), delta(finish="content_filter"), DONE)) as api:
        with pytest.raises(ContentRefused):
            await listen(connect(api.base_url))


async def test_a_server_without_the_developer_role_gets_system_from_then_on(connect: Connect) -> None:
    said = {"error": {"message": "Invalid value: 'developer'. Supported values are: 'system', 'user'."}}
    async with peer(replying(said, status=400), chunked(delta("Hi"), DONE)) as api:
        client = connect(api.base_url)
        first, second = await listen(client), await listen(client)

    assert text_of(first) == text_of(second) == "Hi"
    roles = [request.json["messages"][0]["role"] for request in api.requests]
    assert roles == ["developer", "system", "system"]


async def test_closing_the_iterator_closes_the_connection_at_once(connect: Connect) -> None:
    async with peer(chunked(delta("Once"), end="hang")) as api:
        stream = connect(api.base_url).chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("Once")
        await stream.aclose()

        await asyncio.wait_for(api.closed.wait(), DEADLINE_S)
    assert api.closed.is_set()


async def test_cancelling_the_reader_closes_the_connection_at_once(connect: Connect) -> None:
    async with peer(hanging) as api:
        reading = asyncio.create_task(listen(connect(api.base_url)))
        await asyncio.wait_for(api.arrived.wait(), DEADLINE_S)
        reading.cancel()

        await asyncio.wait_for(api.closed.wait(), DEADLINE_S)
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_a_server_that_says_nothing_is_too_slow_after_a_minute(connect: Connect) -> None:
    clock = FakeClock()
    async with peer(hanging) as api:
        reading = asyncio.ensure_future(listen(connect(api.base_url, clock=clock)))
        await asyncio.wait_for(api.arrived.wait(), DEADLINE_S)
        waited_s = await pass_until(clock, reading)

        assert isinstance(reading.exception(), ApiTimeout)
        assert waited_s == pytest.approx(60, abs=5)
        await asyncio.wait_for(api.closed.wait(), DEADLINE_S)


async def test_silence_in_mid_stream_is_too_slow_after_a_minute(connect: Connect) -> None:
    clock = FakeClock()
    async with peer(chunked(delta("Once"), end="hang")) as api:
        stream = connect(api.base_url, clock=clock).chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("Once")
        await clock.advance(300)  # the reader's own time is not the server's silence
        reading = asyncio.ensure_future(anext(stream))
        waited_s = await pass_until(clock, reading)

    assert isinstance(reading.exception(), ApiTimeout)
    assert waited_s == pytest.approx(60, abs=5)


async def test_a_stream_that_never_ends_is_too_slow_after_ten_minutes(connect: Connect) -> None:
    clock = FakeClock()

    async def trickling(writer: asyncio.StreamWriter) -> None:
        await chunked(delta("Once"))(writer)
        while True:
            writer.write(b"4\r\n: \n\n\r\n")
            await writer.drain()
            await clock.advance(5)

    async with peer(trickling) as api:
        reading = asyncio.ensure_future(listen(connect(api.base_url, clock=clock)))
        await asyncio.wait({reading}, timeout=DEADLINE_S)

    assert isinstance(reading.exception(), ApiTimeout)


async def test_nobody_waits_for_a_server_that_leaves_a_finished_stream_open(connect: Connect) -> None:
    clock = FakeClock()
    async with peer(chunked(delta("All of it.", finish="stop"), end="hang")) as api:
        stream = connect(api.base_url, clock=clock).chat.stream("m", HELLO)
        assert await anext(stream) == TextDelta("All of it.")
        reading = asyncio.ensure_future(anext(stream))
        await pass_until(clock, reading)

    assert reading.result() == StreamEnd(None, "stop", cut=False, model=None)


async def test_an_answer_can_be_had_in_one_piece(connect: Connect) -> None:
    message = {"content": "Hello", "reasoning_content": "Hm"}
    async with peer(replying({"choices": [{"message": message, "finish_reason": "length"}]})) as api:
        answer = await connect(api.base_url).chat.complete("m", HELLO)

    assert (answer.text, answer.reasoning, answer.end.finish_reason) == ("Hello", "Hm", "length")
    assert "stream" not in api.requests[0].json


async def turns_while_listening(client: ApiClient) -> tuple[list[ChatEvent], list[int]]:
    """Give the events of an answer, and how often others had had their turn when each came."""
    events, at = [], []
    async with count_turns() as turns, aclosing(client.chat.stream("gpt-4.1", HELLO)) as stream:
        async for event in stream:
            events.append(event)
            at.append(turns())
    return events, at


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
async def test_others_have_their_turn_while_nothing_of_a_long_answer_is_to_be_told(
    connect: Connect, is_streamed: bool
) -> None:
    text = "<think></think>" * 2000
    whole = {"choices": [{"message": {"content": f"{text}Hello"}, "finish_reason": "stop"}]}
    answer = streaming(delta(f"{text}Hello", finish="stop"), DONE) if is_streamed else replying(json.dumps(whole))
    async with peer(answer) as api:
        events, at = await turns_while_listening(connect(api.base_url))

    assert text_of(events) == "Hello"
    assert at[0] >= len(text) // SLICE_CHARACTERS


async def test_others_have_their_turn_while_many_events_without_a_word_come_at_once(connect: Connect) -> None:
    empty = "data: {}\n\n" * 2000
    async with peer(streaming(empty, delta("Hello", finish="stop"), DONE)) as api:
        events, at = await turns_while_listening(connect(api.base_url))

    assert text_of(events) == "Hello"
    assert at[0] >= 2000


async def test_others_have_their_turn_while_many_lines_without_an_event_come_at_once(connect: Connect) -> None:
    comments = b":\n" * 60_000
    async with peer(streaming(delta("Hello"), comments, delta(" you", finish="stop"), DONE)) as api:
        events, at = await turns_while_listening(connect(api.base_url))

    assert text_of(events) == "Hello you"
    assert at[-1] - at[0] >= len(comments) // (16 * 1024)


async def test_an_answer_in_one_piece_is_read_no_further_than_it_is_of_use(connect: Connect) -> None:
    piece = {"choices": [{"message": {"content": "a" * 3_000_000}, "finish_reason": "stop"}]}
    async with peer(replying(json.dumps(piece))) as api:
        with pytest.raises(InvalidApiResponse, match="more than 2097152 bytes"):
            await listen(connect(api.base_url))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([[]] * 1001, id="lists"),
        pytest.param([{"type": "text"}] * 1001, id="parts"),
        pytest.param([[{"text": ["", ""]}] * 500], id="lists within lists"),
    ],
)
async def test_a_text_of_more_parts_than_a_text_needs_is_broken(connect: Connect, content: list[object]) -> None:
    async with peer(streaming(delta(content, finish="stop"), DONE)) as api:
        with pytest.raises(InvalidApiResponse):
            await listen(connect(api.base_url))


@pytest.mark.parametrize("field", ["model", "usage", "index", "finish_reason", "object"])
async def test_a_large_value_where_a_short_one_belongs_is_passed_over(connect: Connect, field: str) -> None:
    odd: list[list[object]] = [[]] * 40_000
    chunk = delta("Hello")
    (chunk["choices"][0] if field in ("index", "finish_reason") else chunk)[field] = odd
    async with peer(streaming(chunk, delta(" you", finish="stop"), DONE)) as api:
        events = await listen(connect(api.base_url))

    assert text_of(events) == "Hello you"


async def test_an_error_of_any_size_is_an_error(connect: Connect) -> None:
    async with peer(streaming({"error": [[]] * 40_000})) as api:
        with pytest.raises(ApiServerError):
            await listen(connect(api.base_url))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ud83d\ude00\ude00", "😀\ufffd"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d \ude00", "\ufffd \ufffd"),
        (r"\\ud83d \ud83d", r"\ud83d " + "\ufffd"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\\\\ud83d\uDFFF", r"\\ud83d" + "\ufffd"),
        (r"\"\ud83d\n", '"\ufffd\n'),
    ],
)
def test_half_a_pair_is_replaced_and_all_else_stays(written: str, read: str) -> None:
    assert decode(msgspec.json.Decoder(str), f'"{written}"', "chat") == read


@pytest.mark.parametrize(
    "text", ["<" * 20_000, "So <think> " + "a<b " * 5000, "word " * 4000], ids=["tags", "aside", "words"]
)
@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
async def test_others_have_their_turn_while_a_long_answer_comes_in_one_piece(
    connect: Connect, text: str, is_streamed: bool
) -> None:
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    sends = chunked(delta(text, finish="stop"), DONE) if is_streamed else replying(whole)
    async with peer(sends) as api:
        events, turns = await turns_while_listening(connect(api.base_url))

    assert text_of(events) == text
    words = [event.text for event in events if isinstance(event, TextDelta)]
    assert max(map(len, words)) <= SLICE_CHARACTERS
    assert all(before < after for before, after in pairwise(turns))


async def test_a_whole_answer_of_many_megabytes_is_a_broken_one(connect: Connect) -> None:
    whole = {"choices": [{"message": {"content": "word " * 1_000_000}, "finish_reason": "stop"}]}
    async with peer(replying(whole)) as api:
        with pytest.raises(InvalidApiResponse):
            await listen(connect(api.base_url))


async def test_half_a_surrogate_pair_does_not_keep_a_question_from_being_asked(connect: Connect) -> None:
    async with peer(chunked(delta("Hi"), DONE)) as api:
        answer = await connect(api.base_url).chat.complete("m", [ChatMessage("user", "a\ud83d")])

    assert answer.text == "Hi"
    assert api.requests[0].json["messages"][0]["content"] == "a?"
