"""An answer on its way from the stream to the output."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import pytest

from bot.markdown.renderer import render_markdown
from bot.messages import answers
from bot.messages.message import Message, plain
from bot.messages.render import render
from bot.streaming.message_streamer import MessageStreamer, StreamedAnswer
from bot.streaming.output import NO_BUTTONS, Action, AnswerButtons, OutputDeleted
from bot.streaming.pages import PROGRESS_MARKER
from tests.support.clock import FakeClock, settle
from tests.support.markdown_oracle import has_open_fence, shows_whole
from tests.support.markdown_samples import pieces, sample
from tests.support.memory_output import MemoryOutput


async def spoken(clock: FakeClock, deltas: Iterable[str], every: float) -> AsyncIterator[str]:
    """Bring a delta each `every` seconds."""
    for delta in deltas:
        yield delta
        await clock.sleep(every)


async def relayed(
    output: MemoryOutput, clock: FakeClock, deltas: Iterable[str], every: float = 0.1, notes: Sequence[Message] = ()
) -> StreamedAnswer:
    async with MessageStreamer(output, clock) as streamer:
        async for delta in spoken(clock, deltas, every):
            streamer.feed(delta)
        return await streamer.finish(notes)


async def test_the_first_word_shows_at_once_with_a_sign_of_life(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock) as streamer:
        streamer.feed("Hello")
        await settle()
        assert output.messages == ["Hello" + PROGRESS_MARKER]
        assert clock.monotonic() == 0


async def test_a_finished_answer_shows_without_a_sign_of_life(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    shown = await clock.drive(relayed(output, clock, ["Hello", ", ", "you."]))
    assert output.messages == ["Hello, you."]
    assert shown == StreamedAnswer("Hello, you.", 1, 0.0)


async def test_white_space_alone_shows_nothing(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    shown = await clock.drive(relayed(output, clock, [" ", "\n", "\t "], notes=[plain("Cut off.")]))
    assert output.edits == []
    assert shown == StreamedAnswer(" \n\t ", 0, None)


async def test_edits_keep_a_steady_pace(clock: FakeClock) -> None:
    output = MemoryOutput(clock, latencies=[0.2])
    await clock.drive(relayed(output, clock, ["word "] * 100))
    starts = [edit.started for edit in output.edits[:-1]]
    assert starts == pytest.approx([float(second) for second in range(len(starts))])
    assert output.broken == []


async def test_a_slow_surface_is_asked_less(clock: FakeClock) -> None:
    output = MemoryOutput(clock, latencies=[0.1, 3.0])
    await clock.drive(relayed(output, clock, ["word "] * 200))
    starts = [edit.started for edit in output.edits[1:-1]]
    assert starts == pytest.approx([1.0, 7.0, 13.0, 19.0])
    assert output.broken == []


async def test_one_request_is_kept_for_the_last_edit(clock: FakeClock) -> None:
    output = MemoryOutput(clock, bucket=4, window=20.0)
    await clock.drive(relayed(output, clock, ["word "] * 150))
    *progress, last = output.edits
    assert all(edit.left_before is None or edit.left_before > 1 for edit in progress)
    assert last.left_before == 1
    assert last.started == pytest.approx(15.0)


async def test_the_last_edit_waits_for_no_pace(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock) as streamer:
        streamer.feed("One")
        await settle()
        streamer.feed(" two")
        await streamer.finish()
    assert output.messages == ["One two"]
    assert clock.monotonic() == 0


async def test_a_request_in_flight_is_awaited_before_the_last_one(clock: FakeClock) -> None:
    output = MemoryOutput(clock, latencies=[5.0, 0.0])
    await clock.drive(relayed(output, clock, ["One", " two"]))
    assert [(edit.started, edit.text) for edit in output.edits] == [(0.0, "One" + PROGRESS_MARKER), (5.0, "One two")]
    assert output.broken == []


async def test_a_line_stands_in_while_the_model_thinks_and_the_first_words_take_its_place(clock: FakeClock) -> None:
    output = MemoryOutput(clock, bucket=4)
    async with MessageStreamer(output, clock) as streamer:
        for _ in range(30):
            streamer.on_reasoning()
            await clock.advance(0.1)
        assert (output.statuses, output.messages) == ([answers.thinking()], [])
        streamer.feed("Hello")
        await settle()
        assert output.messages == ["Hello" + PROGRESS_MARKER]  # at once, though an edit has just been made
        streamer.on_reasoning()
        await clock.advance(5)
        shown = await streamer.finish()
    assert (output.statuses, output.messages) == ([answers.thinking()], ["Hello"])
    assert (output.broken, shown.first_text_at) == ([], pytest.approx(3.0))


async def test_nothing_is_said_of_thinking_once_there_are_words(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock) as streamer:
        streamer.on_reasoning()
        streamer.feed("Hello")
        await clock.advance(5)
        streamer.on_reasoning()
        await clock.advance(5)
    assert (output.statuses, output.messages) == ([], ["Hello"])


async def test_a_surface_that_does_not_take_the_line_is_not_asked_again(clock: FakeClock) -> None:
    output = MemoryOutput(clock, failures=[OSError()])
    async with MessageStreamer(output, clock) as streamer:
        streamer.on_reasoning()
        await clock.advance(5)
        streamer.feed("Hello")
    assert (output.statuses, output.messages) == ([answers.thinking()], ["Hello"])


async def test_a_long_answer_spills_into_more_messages(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(20))
    shown = await clock.drive(relayed(output, clock, pieces(text, 1)))
    assert shown.message_count == len(output.messages) == 4
    assert shows_whole(output.messages, text)
    assert output.broken == []


async def test_a_full_message_loses_the_sign_of_life_when_the_next_begins(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock) as streamer:
        streamer.feed("word " * 399)
        await clock.advance(2)
        streamer.feed("word " * 100)
        await clock.advance(2)
        first, second = output.messages
    assert PROGRESS_MARKER not in first
    assert second.endswith(PROGRESS_MARKER)


async def test_an_open_fence_is_closed_above_the_sign_of_life(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock) as streamer:
        streamer.feed("Look:\n```py\nprint(1)\n")
        await settle()
        assert output.messages == ["Look:\n```py\nprint(1)\n```" + PROGRESS_MARKER]


async def test_more_than_five_messages_end_as_four_and_a_file(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    text = "A sentence of some words. " * 500
    shown = await clock.drive(relayed(output, clock, pieces(text, 5)))
    *texts, last = output.messages
    assert (shown.message_count, len(texts), last) == (5, 4, render(answers.whole_in_file()))
    assert output.files == {4: ("answer.md", text.encode())}
    assert text.startswith("\n".join(texts).replace("\n", " "))
    assert output.broken == []


async def test_the_fifth_message_says_that_the_answer_goes_on(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock) as streamer:
        streamer.feed("A sentence of some words. " * 500)
        await clock.advance(20)
        assert output.messages[4] == render(answers.continues_in_file()) + PROGRESS_MARKER
        edits = len(output.edits)
        streamer.feed("More words.")
        await clock.advance(20)
        assert len(output.edits) == edits


async def test_a_note_stands_below_what_came(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    await clock.drive(relayed(output, clock, ["```\nhalf a prog"], notes=[plain("The answer was cut off.")]))
    assert output.messages == ["```\nhalf a prog\n```\n-# The answer was cut off."]


async def test_a_note_without_room_gets_a_message_of_its_own(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    await clock.drive(relayed(output, clock, ["x" * 1990], notes=[plain("The answer was cut off.")]))
    assert output.messages == ["x" * 1990, "-# The answer was cut off."]


async def test_an_error_in_the_stream_leaves_the_text_so_far(clock: FakeClock) -> None:
    output = MemoryOutput(clock)

    async def broken_off() -> None:
        async with MessageStreamer(output, clock) as streamer:
            streamer.feed("Half a sentence")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await broken_off()
    assert output.messages == ["Half a sentence"]


async def test_a_cancelled_answer_ends_complete_and_uncancelled_in_flight(clock: FakeClock) -> None:
    output = MemoryOutput(clock, latencies=[0.0, 3.0])
    task = asyncio.create_task(relayed(output, clock, ["word "] * 1000))
    await clock.advance(2.55)
    task.cancel()
    await settle()
    task.cancel()  # somebody is impatient
    with pytest.raises(asyncio.CancelledError):
        await clock.drive(task)
    assert output.messages == [("word " * 26).strip()]
    assert output.broken == []


async def test_a_failed_edit_is_made_up_for_by_a_later_one(clock: FakeClock) -> None:
    output = MemoryOutput(clock, failures=[None, OSError(), OSError()])
    await clock.drive(relayed(output, clock, ["word "] * 100))
    assert [edit.applied for edit in output.edits[:4]] == [True, False, False, True]
    assert output.messages == [("word " * 100).strip()]


async def test_a_failed_last_edit_is_made_again(clock: FakeClock) -> None:
    output = MemoryOutput(clock, failures=[None, OSError(), OSError(), OSError()])
    await clock.drive(relayed(output, clock, ["One", " two"]))
    assert output.messages == ["One two"]
    assert [edit.applied for edit in output.edits] == [True, False, False, False, True]


async def test_a_surface_that_takes_nothing_is_reported(clock: FakeClock) -> None:
    output = MemoryOutput(clock, failures=[ConnectionError()] * 20)
    with pytest.raises(ConnectionError):
        await clock.drive(relayed(output, clock, ["One"]))
    assert output.messages == []
    assert len(output.edits) == 5


async def test_the_log_of_a_failure_holds_no_words(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    output = MemoryOutput(clock, failures=[OSError("https://discord/webhooks/1/secret-token")])
    await clock.drive(relayed(output, clock, ["private words"]))
    failures = [record for record in caplog.records if record.message == "message not updated"]
    assert failures
    assert {record.__dict__["error"] for record in failures} == {"OSError"}
    assert "secret-token" not in caplog.text
    assert "private words" not in caplog.text


@pytest.mark.parametrize("hundred", range(10))
async def test_random_answers_show_whole_once_and_in_order(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        clock = FakeClock()
        output = MemoryOutput(clock, latencies=[0.1, 0.3, 1.2, 0.1], bucket=[None, 3, 5][seed % 3])
        text = sample(seed)
        await clock.drive(relayed(output, clock, pieces(text, seed), every=0.02))
        assert output.broken == [], seed
        assert not any(has_open_fence(edit.text) for edit in output.edits), seed
        progress = [edit.left_before for edit in output.edits if edit.text.endswith(PROGRESS_MARKER)]
        assert all(left is None or left > 1 for left in progress), seed
        if output.files:
            assert output.files == {4: ("answer.md", text.encode())}, seed
            assert output.messages == [*render_markdown(text)[:4], render(answers.whole_in_file())], seed
        else:
            assert output.messages == render_markdown(text), seed


STOP, DONE = AnswerButtons((Action.STOP,), 7), AnswerButtons((Action.REGENERATE, Action.DELETE), 8)


async def test_buttons_stand_under_the_last_message_only(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock, buttons=STOP) as streamer:
        streamer.on_reasoning()
        await settle()
        streamer.feed("word " * 300)
        await settle()
        assert output.buttons == [STOP]
        streamer.feed("word " * 300)
        await clock.advance(5)
        assert output.buttons == [NO_BUTTONS, STOP]
        await streamer.finish(buttons=DONE)
    assert output.buttons == [NO_BUTTONS, DONE]
    assert output.broken == []


async def test_a_vanished_answer_is_let_go_of(clock: FakeClock) -> None:
    output = MemoryOutput(clock, failures=[None, OutputDeleted()])
    async with MessageStreamer(output, clock, buttons=STOP) as streamer:
        streamer.feed("One")
        await settle()
        streamer.feed(" two")
        await clock.advance(5)
        streamer.feed(" three")
        await clock.advance(5)
        await streamer.finish([plain("It was cut.")], DONE)
    assert [edit.applied for edit in output.edits] == [True, False]


async def test_what_is_left_of_an_abandoned_answer_does_not_look_alive(clock: FakeClock) -> None:
    output = MemoryOutput(clock)
    async with MessageStreamer(output, clock, buttons=STOP) as streamer:
        streamer.feed("word " * 500)
        await clock.advance(5)
        first, second = output.messages
        streamer.feed("word " * 500)
        await streamer.discard()
    assert output.messages == [first, second.removesuffix(PROGRESS_MARKER)]
    assert output.buttons == [NO_BUTTONS, NO_BUTTONS]


async def test_no_last_words_are_insisted_on_once_the_answer_has_vanished(clock: FakeClock) -> None:
    output = MemoryOutput(clock, failures=[OSError(), OSError(), OutputDeleted()])
    await clock.drive(relayed(output, clock, ["Hello"]))
    assert (output.messages, len(output.edits)) == ([], 3)
