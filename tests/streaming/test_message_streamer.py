"""An answer on its way from the stream to the surface."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from bot.markdown.renderer import rendered
from bot.streaming.answer_buttons import NONE, Action, AnswerButtons
from bot.streaming.message_streamer import THINKING, MessageStreamer, Shown
from bot.streaming.output import OutputDeleted
from bot.streaming.pages import GOES_ON, IN_FILE, PROGRESS_MARKER
from tests.support.clock import FakeClock, settle
from tests.support.markdown_oracle import has_open_fence, shows_whole
from tests.support.markdown_samples import pieces, sample
from tests.support.memory_output import MemorySurface


async def spoken(clock: FakeClock, deltas: Iterable[str], every: float) -> AsyncIterator[str]:
    """Bring a delta each `every` seconds."""
    for delta in deltas:
        yield delta
        await clock.sleep(every)


async def relayed(
    surface: MemorySurface, clock: FakeClock, deltas: Iterable[str], every: float = 0.1, note: str | None = None
) -> Shown:
    async with MessageStreamer(surface, clock) as relay:
        async for delta in spoken(clock, deltas, every):
            relay.feed(delta)
        return await relay.finish(note)


async def test_the_first_word_shows_at_once_with_a_sign_of_life(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock) as relay:
        relay.feed("Hello")
        await settle()
        assert surface.messages == ["Hello" + PROGRESS_MARKER]
        assert clock.monotonic() == 0


async def test_a_finished_answer_shows_without_a_sign_of_life(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    shown = await clock.drive(relayed(surface, clock, ["Hello", ", ", "you."]))
    assert surface.messages == ["Hello, you."]
    assert shown == Shown("Hello, you.", 1, 0.0)


async def test_white_space_alone_shows_nothing(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    shown = await clock.drive(relayed(surface, clock, [" ", "\n", "\t "], note="Cut off."))
    assert surface.edits == []
    assert shown == Shown(" \n\t ", 0, None)


async def test_edits_keep_a_steady_pace(clock: FakeClock) -> None:
    surface = MemorySurface(clock, latencies=[0.2])
    await clock.drive(relayed(surface, clock, ["word "] * 100))
    starts = [edit.started for edit in surface.edits[:-1]]
    assert starts == pytest.approx([float(second) for second in range(len(starts))])
    assert surface.broken == []


async def test_a_slow_surface_is_asked_less(clock: FakeClock) -> None:
    surface = MemorySurface(clock, latencies=[0.1, 3.0])
    await clock.drive(relayed(surface, clock, ["word "] * 200))
    starts = [edit.started for edit in surface.edits[1:-1]]
    assert starts == pytest.approx([1.0, 7.0, 13.0, 19.0])
    assert surface.broken == []


async def test_one_request_is_kept_for_the_last_edit(clock: FakeClock) -> None:
    surface = MemorySurface(clock, bucket=4, window=20.0)
    await clock.drive(relayed(surface, clock, ["word "] * 150))
    *progress, last = surface.edits
    assert all(edit.left_before is None or edit.left_before > 1 for edit in progress)
    assert last.left_before == 1
    assert last.started == pytest.approx(15.0)


async def test_the_last_edit_waits_for_no_pace(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock) as relay:
        relay.feed("One")
        await settle()
        relay.feed(" two")
        await relay.finish()
    assert surface.messages == ["One two"]
    assert clock.monotonic() == 0


async def test_a_request_in_flight_is_awaited_before_the_last_one(clock: FakeClock) -> None:
    surface = MemorySurface(clock, latencies=[5.0, 0.0])
    await clock.drive(relayed(surface, clock, ["One", " two"]))
    assert [(edit.started, edit.text) for edit in surface.edits] == [(0.0, "One" + PROGRESS_MARKER), (5.0, "One two")]
    assert surface.broken == []


async def test_a_line_stands_in_while_the_model_thinks_and_the_first_words_take_its_place(clock: FakeClock) -> None:
    surface = MemorySurface(clock, bucket=4)
    async with MessageStreamer(surface, clock) as relay:
        for _ in range(30):
            relay.thinking()
            await clock.advance(0.1)
        assert (surface.meanwhiles, surface.messages) == ([THINKING], [])
        relay.feed("Hello")
        await settle()
        assert surface.messages == ["Hello" + PROGRESS_MARKER]  # at once, though an edit has just been made
        relay.thinking()
        await clock.advance(5)
        shown = await relay.finish()
    assert (surface.meanwhiles, surface.messages) == ([THINKING], ["Hello"])
    assert (surface.broken, shown.first_word_at) == ([], pytest.approx(3.0))


async def test_nothing_is_said_of_thinking_once_there_are_words(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock) as relay:
        relay.thinking()
        relay.feed("Hello")
        await clock.advance(5)
        relay.thinking()
        await clock.advance(5)
    assert (surface.meanwhiles, surface.messages) == ([], ["Hello"])


async def test_a_surface_that_does_not_take_the_line_is_not_asked_again(clock: FakeClock) -> None:
    surface = MemorySurface(clock, failures=[OSError()])
    async with MessageStreamer(surface, clock) as relay:
        relay.thinking()
        await clock.advance(5)
        relay.feed("Hello")
    assert (surface.meanwhiles, surface.messages) == ([THINKING], ["Hello"])


async def test_a_long_answer_spills_into_more_messages(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(20))
    shown = await clock.drive(relayed(surface, clock, pieces(text, 1)))
    assert shown.messages == len(surface.messages) == 4
    assert shows_whole(surface.messages, text)
    assert surface.broken == []


async def test_a_full_message_loses_the_sign_of_life_when_the_next_begins(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock) as relay:
        relay.feed("word " * 399)
        await clock.advance(2)
        relay.feed("word " * 100)
        await clock.advance(2)
        first, second = surface.messages
    assert PROGRESS_MARKER not in first
    assert second.endswith(PROGRESS_MARKER)


async def test_an_open_fence_is_closed_above_the_sign_of_life(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock) as relay:
        relay.feed("Look:\n```py\nprint(1)\n")
        await settle()
        assert surface.messages == ["Look:\n```py\nprint(1)\n```" + PROGRESS_MARKER]


async def test_more_than_five_messages_end_as_four_and_a_file(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    text = "A sentence of some words. " * 500
    shown = await clock.drive(relayed(surface, clock, pieces(text, 5)))
    *texts, last = surface.messages
    assert (shown.messages, len(texts), last) == (5, 4, IN_FILE)
    assert surface.files == {4: ("answer.md", text.encode())}
    assert text.startswith("\n".join(texts).replace("\n", " "))
    assert surface.broken == []


async def test_the_fifth_message_says_that_the_answer_goes_on(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock) as relay:
        relay.feed("A sentence of some words. " * 500)
        await clock.advance(20)
        assert surface.messages[4] == GOES_ON + PROGRESS_MARKER
        edits = len(surface.edits)
        relay.feed("More words.")
        await clock.advance(20)
        assert len(surface.edits) == edits


async def test_a_note_stands_below_what_came(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    await clock.drive(relayed(surface, clock, ["```\nhalf a prog"], note="The answer was cut off."))
    assert surface.messages == ["```\nhalf a prog\n```\n-# The answer was cut off."]


async def test_a_note_without_room_gets_a_message_of_its_own(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    await clock.drive(relayed(surface, clock, ["x" * 1990], note="The answer was cut off."))
    assert surface.messages == ["x" * 1990, "-# The answer was cut off."]


async def test_an_error_in_the_stream_leaves_the_text_so_far(clock: FakeClock) -> None:
    surface = MemorySurface(clock)

    async def broken_off() -> None:
        async with MessageStreamer(surface, clock) as relay:
            relay.feed("Half a sentence")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await broken_off()
    assert surface.messages == ["Half a sentence"]


async def test_a_cancelled_answer_ends_complete_and_uncancelled_in_flight(clock: FakeClock) -> None:
    surface = MemorySurface(clock, latencies=[0.0, 3.0])
    task = asyncio.create_task(relayed(surface, clock, ["word "] * 1000))
    await clock.advance(2.55)
    task.cancel()
    await settle()
    task.cancel()  # somebody is impatient
    with pytest.raises(asyncio.CancelledError):
        await clock.drive(task)
    assert surface.messages == [("word " * 26).strip()]
    assert surface.broken == []


async def test_a_failed_edit_is_made_up_for_by_a_later_one(clock: FakeClock) -> None:
    surface = MemorySurface(clock, failures=[None, OSError(), OSError()])
    await clock.drive(relayed(surface, clock, ["word "] * 100))
    assert [edit.applied for edit in surface.edits[:4]] == [True, False, False, True]
    assert surface.messages == [("word " * 100).strip()]


async def test_a_failed_last_edit_is_made_again(clock: FakeClock) -> None:
    surface = MemorySurface(clock, failures=[None, OSError(), OSError(), OSError()])
    await clock.drive(relayed(surface, clock, ["One", " two"]))
    assert surface.messages == ["One two"]
    assert [edit.applied for edit in surface.edits] == [True, False, False, False, True]


async def test_a_surface_that_takes_nothing_is_reported(clock: FakeClock) -> None:
    surface = MemorySurface(clock, failures=[ConnectionError()] * 20)
    with pytest.raises(ConnectionError):
        await clock.drive(relayed(surface, clock, ["One"]))
    assert surface.messages == []
    assert len(surface.edits) == 5


async def test_the_log_of_a_failure_holds_no_words(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    surface = MemorySurface(clock, failures=[OSError("https://discord/webhooks/1/secret-token")])
    await clock.drive(relayed(surface, clock, ["private words"]))
    assert "was not updated: OSError" in caplog.text
    assert "secret-token" not in caplog.text
    assert "private words" not in caplog.text


@pytest.mark.parametrize("hundred", range(10))
async def test_random_answers_show_whole_once_and_in_order(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        clock = FakeClock()
        surface = MemorySurface(clock, latencies=[0.1, 0.3, 1.2, 0.1], bucket=[None, 3, 5][seed % 3])
        text = sample(seed)
        await clock.drive(relayed(surface, clock, pieces(text, seed), every=0.02))
        assert surface.broken == [], seed
        assert not any(has_open_fence(edit.text) for edit in surface.edits), seed
        progress = [edit.left_before for edit in surface.edits if edit.text.endswith(PROGRESS_MARKER)]
        assert all(left is None or left > 1 for left in progress), seed
        if surface.files:
            assert surface.files == {4: ("answer.md", text.encode())}, seed
            assert surface.messages == [*rendered(text)[:4], IN_FILE], seed
        else:
            assert surface.messages == rendered(text), seed


STOP, DONE = AnswerButtons((Action.STOP,), 7), AnswerButtons((Action.REGENERATE, Action.DELETE), 8)


async def test_buttons_stand_under_the_last_message_only(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock, controls=STOP) as relay:
        relay.thinking()
        await settle()
        relay.feed("word " * 300)
        await settle()
        assert surface.controls == [STOP]
        relay.feed("word " * 300)
        await clock.advance(5)
        assert surface.controls == [NONE, STOP]
        await relay.finish(controls=DONE)
    assert surface.controls == [NONE, DONE]
    assert surface.broken == []


async def test_a_vanished_answer_is_let_go_of(clock: FakeClock) -> None:
    surface = MemorySurface(clock, failures=[None, OutputDeleted()])
    async with MessageStreamer(surface, clock, controls=STOP) as relay:
        relay.feed("One")
        await settle()
        relay.feed(" two")
        await clock.advance(5)
        relay.feed(" three")
        await clock.advance(5)
        await relay.finish("It was cut.", DONE)
    assert [edit.applied for edit in surface.edits] == [True, False]


async def test_what_is_left_of_an_abandoned_answer_does_not_look_alive(clock: FakeClock) -> None:
    surface = MemorySurface(clock)
    async with MessageStreamer(surface, clock, controls=STOP) as relay:
        relay.feed("word " * 500)
        await clock.advance(5)
        first, second = surface.messages
        relay.feed("word " * 500)
        await relay.abandon()
    assert surface.messages == [first, second.removesuffix(PROGRESS_MARKER)]
    assert surface.controls == [NONE, NONE]


async def test_no_last_words_are_insisted_on_once_the_answer_has_vanished(clock: FakeClock) -> None:
    surface = MemorySurface(clock, failures=[OSError(), OSError(), OutputDeleted()])
    await clock.drive(relayed(surface, clock, ["Hello"]))
    assert (surface.messages, len(surface.edits)) == ([], 3)
