"""The event-stream decoder, held against the rules of the WHATWG and against a slow and simple reference."""

import codecs
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.sse import EventDecoder, ServerSentEvent
from bot.errors import InvalidApiResponse


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = EventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def message(data: str) -> ServerSentEvent:
    return ServerSentEvent("message", data)


RULES = {
    "lf": (b"data: a\n\n", [message("a")]),
    "cr": (b"data: a\r\r", [message("a")]),
    "crlf": (b"data: a\r\n\r\n", [message("a")]),
    "mixed ends": (b"data: a\r\ndata: b\rdata: c\n\r\n", [message("a\nb\nc")]),
    "bom": (b"\xef\xbb\xbfdata: a\n\n", [message("a")]),
    "only the first bom": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "comment": (b": keep-alive\n\ndata: a\n:\n\n", [message("a")]),
    "one leading space": (b"data:  a\n\ndata:b\n\n", [message(" a"), message("b")]),
    "no colon": (b"data\n\n", [message("")]),
    "two without colon": (b"data\ndata\n\n", [message("\n")]),
    "empty data": (b"data:\n\n", [message("")]),
    "colons in data": (b"data: a:b: c\n\n", [message("a:b: c")]),
    "named": (b"event: error\ndata: a\n\ndata: b\n\n", [ServerSentEvent("error", "a"), message("b")]),
    "named without data": (b"event: error\n\ndata: b\n\n", [message("b")]),
    "other fields": (b"id: 1\nretry: 5\nDATA: x\n data: y\ndata : z\ndata: a\n\n", [message("a")]),
    "other line breaks": ("data: a\x0bb\x0cc\x85d\u2028e\n\n".encode(), [message("a\x0bb\x0cc\x85d\u2028e")]),
    "invalid bytes": (b"data: \xff\xe2\x82\ndata: \xc3\n\n", [message("\ufffd\ufffd\n\ufffd")]),
    "nul": (b"data: a\0b\n\n", [message("a\0b")]),
    "unfinished": (b"data: a\n\ndata: b\n", [message("a")]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("stream", "events"), RULES.values(), ids=RULES)
def test_the_rules_of_the_whatwg_hold_whole_and_byte_by_byte(stream: bytes, events: list[ServerSentEvent]) -> None:
    assert decode(stream) == events
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == events


def test_a_crlf_cut_between_chunks_is_one_line_end() -> None:
    assert decode(b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n") == [message("a\nb")]


def test_utf_8_may_be_cut_anywhere() -> None:
    assert decode(b"data: \xf0\x9f", b"\x98", b"\x80\n\n") == [message("😀")]


def test_an_event_without_its_blank_line_is_handed_over_at_the_end() -> None:
    decoder = EventDecoder()

    assert decoder.feed(b"data: a\ndata: [DO") == []
    assert decoder.feed(b"NE]") == []
    assert decoder.close() == message("a\n[DONE]")
    assert decoder.close() is None


@pytest.mark.parametrize("size", [1, 7, 100])
def test_an_endless_line_is_broken_off_at_its_bound(size: int) -> None:
    decoder = EventDecoder(max_line=64)

    with pytest.raises(InvalidApiResponse):
        list(map(decoder.feed, [b"x" * size] * 100))


@pytest.mark.parametrize("line", [b"data: 0123456789\n", b"data\n"], ids=["filled", "empty"])
def test_an_endless_event_is_broken_off_at_its_bound(line: bytes) -> None:
    decoder = EventDecoder(max_event=100)

    with pytest.raises(InvalidApiResponse):
        list(map(decoder.feed, [line] * 200))


def test_comments_may_go_on_for_as_long_as_they_like() -> None:
    decoder = EventDecoder(max_line=64, max_event=64)

    events = [event for _ in range(1000) for event in decoder.feed(b": keep-alive\n\n")]
    assert events == []
    assert decoder.feed(b"data: a\n\n") == [message("a")]


def reference(stream: bytes) -> list[ServerSentEvent]:
    """The algorithm as the standard words it: decode everything, then go through it character by character."""
    text = codecs.decode(stream, "utf-8", "replace").removeprefix("\ufeff")
    lines, line = [], ""
    position = 0
    while position < len(text):
        if text[position] in "\r\n":
            lines.append(line)
            line = ""
            position += 2 if text[position : position + 2] == "\r\n" else 1
        else:
            line += text[position]
            position += 1
    events, data, kind = [], "", ""
    for line in lines:
        if line == "":
            if data != "":
                events.append(ServerSentEvent(kind or "message", data[:-1]))
            data = kind = ""
        elif ":" in line:
            name, value = line.split(":", 1)
            value = value.removeprefix(" ")
            data += value + "\n" if name == "data" else ""
            kind = value if name == "event" else kind
        else:
            data += "\n" if line == "data" else ""
            kind = "" if line == "event" else kind
    return events


line_ends = st.sampled_from([b"\n", b"\r", b"\r\n"])
beginnings = st.sampled_from([b"data: ", b"data:", b"data", b"event: ", b"event", b": ", b"id: ", b"", b"\xef\xbb\xbf"])
values = st.one_of(st.text(max_size=8).map(str.encode), st.binary(max_size=6))
lines = st.one_of(line_ends, st.tuples(beginnings, values, line_ends).map(b"".join))
streams = st.tuples(st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(lines, max_size=20)).map(
    lambda parts: parts[0] + b"".join(parts[1])
)


@given(stream=streams, cuts=st.lists(st.integers(0, 300), max_size=12))
def test_any_cutting_gives_the_events_of_the_whole(stream: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[begin:end] for begin, end in pairwise(at)]

    assert b"".join(chunks) == stream
    assert decode(*chunks) == decode(stream)


@given(stream=st.one_of(streams, st.binary(max_size=60)))
def test_the_events_are_those_of_the_reference(stream: bytes) -> None:
    assert decode(stream) == reference(stream)
