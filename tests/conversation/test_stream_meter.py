"""What is counted of an answer while it comes, and where it ends when no more is granted."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.chat_events import ChatEvent, ReasoningDelta, StreamEnd, TextDelta, Usage
from bot.conversation.prompt import estimate_tokens
from bot.conversation.stream_meter import StreamMeter
from bot.errors import StoreUnavailable
from bot.quotas.token_budget import BLOCK_TOKENS, TokenBudget

PROMPT = 40
FULL = StoreUnavailable("no more blocks")


def allowance(blocks: int) -> TokenBudget:
    """One with a first block beside the prompt, and so many to be had."""
    left = iter([None] * blocks)

    async def answer() -> StoreUnavailable | None:
        return next(left, FULL)

    return TokenBudget(PROMPT + BLOCK_TOKENS, lambda _: asyncio.create_task(answer()))


async def events(*wanted: ChatEvent) -> AsyncGenerator[ChatEvent, None]:
    for event in wanted:
        yield event


async def passed(meter: StreamMeter, *wanted: ChatEvent) -> list[str]:
    return [text async for text in meter.count(events(*wanted))]


async def test_text_is_passed_on_and_counted_with_hidden_reasoning() -> None:
    meter = StreamMeter(PROMPT, allowance(0))
    assert await passed(meter, ReasoningDelta("hmm " * 10), TextDelta("Be"), TextDelta("cause.")) == ["Be", "cause."]
    assert (meter.text, meter.prompt_tokens, meter.answer_tokens) == ("Because.", PROMPT, 10 + 2)
    assert meter.is_estimated
    assert meter.refusal is None


async def test_each_thought_is_told_of_but_not_passed_on() -> None:
    meter, thoughts = StreamMeter(PROMPT, allowance(0)), []
    wanted = events(ReasoningDelta("hm"), ReasoningDelta("m"), TextDelta("Yes."))
    assert [text async for text in meter.count(wanted, lambda: thoughts.append(meter.has_output))] == ["Yes."]
    assert len(thoughts) == 2


async def test_what_the_api_reports_counts_in_place_of_our_own() -> None:
    meter = StreamMeter(PROMPT, allowance(0))
    await passed(meter, TextDelta("Because."), StreamEnd(Usage(50, 3), "stop", cut=False, model=None))
    assert (meter.prompt_tokens, meter.answer_tokens, meter.is_estimated) == (50, 3, False)


async def test_an_answer_goes_on_for_as_long_as_blocks_are_granted_and_is_cut_at_the_last_token() -> None:
    meter = StreamMeter(PROMPT, allowance(2))
    pieces = await passed(meter, *[TextDelta("word ")] * 2_000, StreamEnd(None, "stop", cut=False, model=None))
    assert "".join(pieces) == meter.text == ("word " * 2_000)[: 3 * BLOCK_TOKENS * 4]
    assert meter.answer_tokens == 3 * BLOCK_TOKENS
    assert meter.refusal is FULL
    assert meter.stream_end is None


async def test_one_piece_larger_than_everything_is_cut_too() -> None:
    meter = StreamMeter(PROMPT, allowance(1))
    assert await passed(meter, TextDelta("x" * 100_000)) == ["x" * (2 * BLOCK_TOKENS * 4)]
    assert meter.answer_tokens == 2 * BLOCK_TOKENS


async def test_no_character_is_cut_in_two() -> None:
    meter = StreamMeter(PROMPT, allowance(0))
    (text,) = await passed(meter, TextDelta("a" + "ü" * 1_000))
    assert text == "a" + "ü" * 511
    assert meter.answer_tokens <= BLOCK_TOKENS


async def test_hidden_reasoning_can_take_all_there_is() -> None:
    meter = StreamMeter(PROMPT, allowance(0))
    assert await passed(meter, ReasoningDelta("hmm " * 1_000), TextDelta("Because.")) == []
    assert meter.answer_tokens == BLOCK_TOKENS
    assert meter.has_output
    assert meter.refusal is FULL


deltas = st.lists(
    st.tuples(st.sampled_from([TextDelta, ReasoningDelta]), st.text(max_size=900)).map(lambda each: each[0](each[1])),
    max_size=12,
)


@given(deltas, st.integers(0, 4))
def test_never_is_more_counted_or_passed_on_than_granted(wanted: list[ChatEvent], blocks: int) -> None:
    async def run() -> tuple[StreamMeter, list[str]]:
        meter = StreamMeter(PROMPT, allowance(blocks))
        return meter, await passed(meter, *wanted)

    meter, pieces = asyncio.run(run())
    whole = "".join(each.text for each in wanted if isinstance(each, TextDelta))
    assert PROMPT + meter.answer_tokens <= PROMPT + BLOCK_TOKENS * (1 + blocks)
    assert whole.startswith("".join(pieces))
    assert meter.text == "".join(pieces)
    assert (meter.text == whole) or meter.refusal is FULL


@pytest.mark.parametrize("text", ["plain", "Grüße", "日本語", "👩‍👩‍👧", "lone \ud83d surrogate"])
async def test_counting_piece_by_piece_comes_to_what_counting_the_whole_does(text: str) -> None:
    meter = StreamMeter(0, allowance(0))
    await passed(meter, *map(TextDelta, text))
    assert meter.answer_tokens == estimate_tokens(text)
