"""What every output of an answer promises: in memory, for a command and for a message, each alone and recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from bot.inflight.cancellation import CancelReason
from bot.messages import answers as texts
from bot.messages.render import render
from bot.store.inflight import Phase
from bot.streaming.output import NO_BUTTONS, Action, AnswerButtons, OutputDeleted
from bot.streaming.pages import PROGRESS_MARKER
from tests.support.answer_outputs import Recorder, Stage, open_stage
from tests.support.clock import DEADLINE_S, FakeClock

KINDS = ("memory", "interaction", "reply")
STOP = AnswerButtons((Action.STOP,), 1)
DONE = AnswerButtons((Action.REGENERATE, Action.DELETE), 1)
STATUS = texts.next_in_queue()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=[f"{kind}, {how}" for kind in KINDS for how in ("alone", "recorded")])
async def stage(
    request: pytest.FixtureRequest, clock: FakeClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """Every output, alone and recorded."""
    kind, how = request.param.split(", ")
    async with open_stage(kind, clock, recorder if how == "recorded" else None, monkeypatch) as stage:
        yield stage


@pytest.fixture(params=KINDS)
async def recorded(
    request: pytest.FixtureRequest, clock: FakeClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """Every output, recorded."""
    async with open_stage(request.param, clock, recorder, monkeypatch) as stage:
        yield stage


async def show(stage: Stage, *pages: str) -> None:
    """Show the messages of an answer, the first one first."""
    for index, text in enumerate(pages):
        await stage.output.show(index, text, NO_BUTTONS)


async def insist(call: Callable[[], Awaitable[None]]) -> None:
    """Call once more where the first call fails."""
    try:
        await call()
    except OutputDeleted:
        raise
    except Exception:
        await call()


# What is shown


async def test_messages_show_in_their_order_and_keep_it(stage: Stage) -> None:
    assert not stage.output.message_ids
    await show(stage, "One.", "Two.", "Three.")
    ids = stage.output.message_ids
    assert stage.texts() == ["One.", "Two.", "Three."]
    assert list(ids) == sorted(set(ids))
    assert len(ids) == 3
    for index, text in ((1, "2."), (0, "1."), (2, "3.")):
        await stage.output.show(index, text, NO_BUTTONS)
    assert stage.texts() == ["1.", "2.", "3."]
    assert stage.output.message_ids == ids


async def test_a_file_comes_with_its_text_and_stays(stage: Stage) -> None:
    await show(stage, "One.")
    await stage.output.attach(1, "Two.", "rest.md", b"the rest", DONE)
    assert (stage.texts(), stage.files(0), stage.files(1)) == (["One.", "Two."], [], [b"the rest"])
    await stage.output.show(1, "2.", DONE)
    await stage.output.attach(0, "1.", "all.md", b"all of it", NO_BUTTONS)
    assert (stage.texts(), stage.files(0), stage.files(1)) == (["1.", "2."], [b"all of it"], [b"the rest"])


async def test_the_buttons_of_a_call_replace_those_before(stage: Stage) -> None:
    await stage.output.show(0, "One.", STOP)
    assert stage.buttons(0) == 1
    await stage.output.show(0, "One.", DONE)
    assert stage.buttons(0) == 2
    await stage.output.show(1, "Two.", STOP)
    await stage.output.show(0, "One.", NO_BUTTONS)
    assert (stage.buttons(0), stage.buttons(1)) == (0, 1)


async def test_a_status_shows_until_there_is_text(stage: Stage) -> None:
    await stage.output.show_status(STATUS)
    await stage.output.show_status(texts.thinking(), STOP)
    assert stage.texts() == [render(texts.thinking())]
    await show(stage, "One.", "Two.")
    assert stage.texts() == ["One.", "Two."]
    assert stage.buttons(0) == 0


async def test_a_result_takes_the_place_of_a_status(stage: Stage) -> None:
    await stage.output.show_status(STATUS)
    await stage.output.show_result("All there is.")
    assert stage.texts() == ["All there is."]


async def test_a_result_leaves_the_text_that_is_there(stage: Stage) -> None:
    await show(stage, "One.", "Two.")
    await stage.output.show_result("Something went wrong.")
    await stage.pass_time()
    assert stage.texts() == ["One.", "Two.", "Something went wrong."]


async def test_pings_reach_no_one(stage: Stage) -> None:
    text = "@everyone @here <@1> <@&2>"
    await stage.output.show_status(STATUS)
    await show(stage, text, text)
    await stage.output.show(0, f"{text}!", NO_BUTTONS)
    await stage.output.attach(2, text, "rest.md", b"the rest", NO_BUTTONS)
    assert len(stage.texts()) == 3
    assert not stage.pings()


async def test_a_private_answer_is_private_to_its_last_message(
    clock: FakeClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage("private interaction", clock, recorder, monkeypatch) as stage:
        await stage.output.show_status(STATUS)
        await show(stage, "One.", "Two.")
        await stage.output.attach(2, "Three.", "rest.md", b"the rest", NO_BUTTONS)
        assert stage.private() == [True] * 3


async def test_an_urgent_edit_waits_for_no_fair_share(stage: Stage) -> None:
    await show(stage, "One.")
    await stage.output.show(0, "One or", NO_BUTTONS)
    urgent = asyncio.Event()
    urgent.set()
    async with asyncio.timeout(DEADLINE_S), stage.output.edit_slot(0, urgent):
        await stage.output.show(0, "One or two.", NO_BUTTONS)
    assert stage.texts() == ["One or two."]


# What fails


async def test_a_call_that_failed_is_made_again(stage: Stage) -> None:
    await show(stage, "One.")
    for index, text in ((0, "1."), (1, "2.")):
        stage.fail_next(applied=False)
        with pytest.raises(Exception):  # noqa: B017, PT011  # whatever the network's errors have in common
            await stage.output.show(index, text, NO_BUTTONS)
        await stage.output.show(index, text, NO_BUTTONS)
    assert stage.texts() == ["1.", "2."]
    assert len(stage.output.message_ids) == 2


async def test_a_message_whose_response_is_lost_is_not_sent_twice(stage: Stage) -> None:
    for index, text in enumerate(("One", "Two")):
        stage.fail_next(applied=True)
        await insist(partial(stage.output.show, index, text, NO_BUTTONS))
    await stage.output.show(1, "Two, newer.", NO_BUTTONS)
    assert stage.texts() == ["One", "Two, newer."]
    assert len(stage.output.message_ids) == 2


async def test_a_message_that_is_found_gets_the_newest_text(stage: Stage) -> None:
    await show(stage, "One.")
    stage.fail_next(applied=True)
    with pytest.raises(Exception):  # noqa: B017, PT011  # as above
        await stage.output.show(1, "Tw", NO_BUTTONS)
    await stage.output.show(1, "Two.", DONE)
    assert stage.texts() == ["One.", "Two."]
    assert stage.buttons(1) == 2


async def test_the_gateway_confirms_a_reply_whose_response_is_lost(
    clock: FakeClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage("reply", clock, recorder, monkeypatch, confirmed=True) as stage:
        for index, text in enumerate(("One.", "Two.", "Three.")):
            stage.fail_next(applied=True)
            await insist(partial(stage.output.show, index, text, NO_BUTTONS))
        assert stage.texts() == ["One.", "Two.", "Three."]
        assert len(stage.output.message_ids) == 3


async def test_a_reply_whose_nonce_discord_has_forgotten_is_found_in_the_channel(
    clock: FakeClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage("reply", clock, recorder, monkeypatch) as stage:
        for index, text in enumerate(("One", "Two")):
            stage.fail_next(applied=True)
            with pytest.raises(Exception):  # noqa: B017, PT011  # as above
                await stage.output.show(index, text, NO_BUTTONS)
            stage.forget_nonces()
            await stage.output.show(index, f"{text}, newer.", NO_BUTTONS)
        assert stage.texts() == ["One, newer.", "Two, newer."]


# What is deleted


@pytest.mark.parametrize("index", [0, 1])
async def test_an_answer_one_of_whose_messages_was_deleted_is_over(stage: Stage, index: int) -> None:
    await show(stage, "One.", "Two.")
    stage.delete(index)
    with pytest.raises(OutputDeleted):
        await stage.output.show(index, "More.", NO_BUTTONS)
    assert stage.output.cancellation.reason is CancelReason.DELETED
    with pytest.raises(OutputDeleted):
        await stage.output.show(2, "Three.", NO_BUTTONS)
    left = [["One.", "Two."][1 - index]]
    assert stage.texts() == left


async def test_a_message_that_comes_after_the_deletion_is_deleted(stage: Stage) -> None:
    await show(stage, "One.")
    stage.during_next(lambda: stage.output.cancellation.cancel(CancelReason.DELETED))
    with pytest.raises(OutputDeleted):
        await stage.output.show(1, "Two.", NO_BUTTONS)
    assert stage.texts() == ["One."]


async def test_a_stopped_answer_still_shows_its_end(stage: Stage) -> None:
    await show(stage, "One.")
    stage.output.cancellation.cancel(CancelReason.STOPPED)
    await stage.output.show(1, "Stopped.", NO_BUTTONS)
    assert stage.texts() == ["One.", "Stopped."]


# What is recorded, and when


async def test_without_a_row_the_end_is_shown_all_the_same(stage: Stage) -> None:
    await stage.output.mark_final(1)
    await show(stage, "One.")
    assert stage.texts() == ["One."]


async def start_unwritable(stage: Stage, recorder: Recorder, call: Awaitable[None]) -> "asyncio.Future[None]":
    """Start a call that waits for its row to be written; nothing shows until it is."""
    before = stage.texts()
    recorder.asked.clear()
    recorder.writable.clear()
    calling = asyncio.ensure_future(call)
    await asyncio.wait_for(recorder.asked.wait(), DEADLINE_S)
    await stage.pass_time()
    assert stage.texts() == before
    assert not calling.done()
    return calling


async def test_a_status_is_recorded_before_it_shows(recorded: Stage, recorder: Recorder) -> None:
    calling = await start_unwritable(recorded, recorder, recorded.output.show_status(STATUS))
    recorder.writable.set()
    await calling
    assert recorded.texts() == [render(STATUS)]
    assert recorder.row[0] is Phase.WAITING


async def test_text_that_looks_complete_is_recorded_before_it_shows(recorded: Stage, recorder: Recorder) -> None:
    calling = await start_unwritable(recorded, recorder, recorded.output.show(0, "One.", NO_BUTTONS))
    recorder.writable.set()
    await calling
    await recorded.pass_time()
    assert recorded.texts() == ["One."]
    assert recorder.row == (Phase.TEXT, recorded.output.message_ids, None)


async def test_a_file_whose_text_looks_complete_is_recorded_before_it_shows(
    recorded: Stage, recorder: Recorder
) -> None:
    call = recorded.output.attach(0, "One.", "rest.md", b"the rest", NO_BUTTONS)
    calling = await start_unwritable(recorded, recorder, call)
    recorder.writable.set()
    await calling
    await recorded.pass_time()
    assert recorder.row == (Phase.TEXT, recorded.output.message_ids, None)


async def test_text_with_the_progress_marker_waits_for_no_row(recorded: Stage, recorder: Recorder) -> None:
    recorder.writable.clear()
    await recorded.output.show(0, f"One{PROGRESS_MARKER}", NO_BUTTONS)
    await recorded.output.show(1, f"Two{PROGRESS_MARKER}", NO_BUTTONS)
    assert len(recorded.texts()) == 2
    recorder.writable.set()
    await recorded.pass_time()
    assert recorder.row == (Phase.TEXT, recorded.output.message_ids, None)


async def test_a_status_is_no_text_until_text_has_taken_its_place(recorded: Stage, recorder: Recorder) -> None:
    await recorded.output.show_status(STATUS)
    recorder.writable.clear()
    await recorded.output.show(0, "One.", NO_BUTTONS)
    assert recorder.row[0] is Phase.WAITING
    recorder.writable.set()
    await recorded.pass_time()
    assert recorder.row == (Phase.TEXT, recorded.output.message_ids, None)


async def test_the_number_of_final_messages_is_recorded_before_they_show(recorded: Stage, recorder: Recorder) -> None:
    await recorded.output.show(0, f"One{PROGRESS_MARKER}", NO_BUTTONS)
    calling = await start_unwritable(recorded, recorder, recorded.output.mark_final(2))
    recorder.writable.set()
    await calling
    assert recorder.row == (Phase.TEXT, recorded.output.message_ids, 2)
    await show(recorded, "One.", "Two.")
    await recorded.pass_time()
    assert recorder.row == (Phase.TEXT, recorded.output.message_ids, 2)


async def test_a_result_is_all_there_is(recorded: Stage, recorder: Recorder) -> None:
    await recorded.output.show_status(STATUS)
    await recorded.output.show_result("All there is.")
    await recorded.pass_time()
    assert recorder.row[0] is Phase.THINKING
    assert recorder.row[1] == (recorded.output.message_ids or recorder.inflight.message_ids)


async def test_the_acknowledgement_is_recorded(
    clock: FakeClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage("interaction", clock, recorder, monkeypatch) as stage:
        await stage.pass_time()
        phase, ids, _ = recorder.row
        await show(stage, "One.")
        assert (phase, ids) == (Phase.THINKING, stage.output.message_ids)


async def test_a_call_that_fails_records_no_message(recorded: Stage, recorder: Recorder) -> None:
    await show(recorded, f"One{PROGRESS_MARKER}")
    ids = recorded.output.message_ids
    recorded.fail_next(applied=False)
    with pytest.raises(Exception):  # noqa: B017, PT011  # as above
        await recorded.output.show(1, f"Two{PROGRESS_MARKER}", NO_BUTTONS)
    await recorded.pass_time()
    assert recorder.row == (Phase.TEXT, ids, None)


async def test_cancelling_the_request_cancels_its_output(recorded: Stage, recorder: Recorder) -> None:
    assert recorded.output.cancellation is recorder.inflight.cancellation
