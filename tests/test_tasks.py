"""What a caller gets that is cancelled while it waits for work: once, twice, when the work fails, and when both."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from bot.errors import StoreUnavailable
from bot.logs import TextFormatter
from bot.tasks import (
    BackgroundTasks,
    background_loop,
    cancel_and_wait,
    raise_if_cancelled,
    run_to_end,
    sleep_unless,
    wait_for_first,
)
from tests.support.clock import FakeClock, settle

LOST = "background task failed"

T = TypeVar("T")


def written(caplog: pytest.LogCaptureFixture) -> str:
    """Return the records as the program writes them."""
    return "\n".join(map(TextFormatter().format, caplog.records))


class Work:
    """Work that a test ends, and what has become of it."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = ""

    async def run(self) -> str:
        try:
            result = await self.outcome
        except BaseException as error:
            self.ended = type(error).__name__
            raise
        self.ended = "done"
        return result


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """Check that no task outlives a test."""
    yield
    await settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def cancel(caller: asyncio.Task[T]) -> None:
    caller.cancel()
    await settle()


def start(wait: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(wait)


ways = pytest.mark.parametrize(
    "wait_for",
    [lambda work: BackgroundTasks().run_shielded(work), lambda work: run_to_end(work)],
    ids=["run_shielded", "run_to_end"],
)
WaitFor = Callable[[Coroutine[object, object, str]], Awaitable[str]]


@ways
async def test_the_caller_gets_the_result(wait_for: WaitFor) -> None:
    work = Work()
    work.outcome.set_result("done")
    assert await wait_for(work.run()) == "done"


@ways
async def test_the_caller_gets_the_error_and_it_is_not_logged(
    wait_for: WaitFor, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.outcome.set_exception(KeyError("a text of theirs"))
    with pytest.raises(KeyError):
        await wait_for(work.run())
    await settle()
    assert not caplog.records


@ways
async def test_the_caller_gets_a_cancellation_of_the_work(wait_for: WaitFor) -> None:
    work = Work()
    work.outcome.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait_for(work.run())


async def test_shielded_work_runs_on_when_its_caller_is_cancelled() -> None:
    work = Work()
    caller = start(BackgroundTasks().run_shielded(work.run()))
    await settle()
    await cancel(caller)
    assert caller.cancelled()
    assert work.ended == ""
    work.outcome.set_result("done")
    await settle()
    assert work.ended == "done"


async def test_shielded_work_that_fails_after_its_caller_is_logged_by_type(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    caller = start(BackgroundTasks().run_shielded(work.run()))
    await settle()
    await cancel(caller)
    work.outcome.set_exception(KeyError("a text of theirs"))
    await settle()
    assert [(each.message, each.__dict__["error"]) for each in caplog.records] == [(LOST, "KeyError")]
    assert "theirs" not in written(caplog)


@pytest.mark.parametrize(("error", "has_traceback"), [(StoreUnavailable("busy"), False), (KeyError("data"), True)])
async def test_only_a_fault_of_the_program_that_no_caller_gets_is_logged_with_its_traceback(
    error: Exception, caplog: pytest.LogCaptureFixture, *, has_traceback: bool
) -> None:
    work = Work()
    caller = start(BackgroundTasks().run_shielded(work.run()))
    await settle()
    await cancel(caller)
    work.outcome.set_exception(error)
    await settle()
    assert [(each.message, each.exc_info is not None) for each in caplog.records] == [(LOST, has_traceback)]


async def test_what_a_cancelled_caller_does_not_get_is_undone_once_it_is_there() -> None:
    tasks, work, undone = BackgroundTasks(), Work(), list[str]()

    async def undo(result: str) -> None:
        undone.append(result)

    caller = start(tasks.run_shielded(work.run(), undo))
    await settle()
    await cancel(caller)
    assert caller.cancelled()
    assert undone == []
    work.outcome.set_result("done")
    await tasks.drain()
    assert undone == ["done"]


async def test_what_is_there_in_the_moment_of_the_cancellation_is_undone() -> None:
    tasks, undone = BackgroundTasks(), list[str]()

    async def run() -> str:
        caller.cancel()
        return "done"

    async def undo(result: str) -> None:
        undone.append(result)

    caller = start(tasks.run_shielded(run(), undo))
    with pytest.raises(asyncio.CancelledError):
        await caller
    await tasks.drain()
    assert undone == ["done"]


async def test_what_has_failed_or_was_received_is_not_undone() -> None:
    tasks, received, failed, undone = BackgroundTasks(), Work(), Work(), list[str]()

    async def undo(result: str) -> None:
        undone.append(result)

    received.outcome.set_result("done")
    assert await tasks.run_shielded(received.run(), undo) == "done"
    caller = start(tasks.run_shielded(failed.run(), undo))
    await settle()
    await cancel(caller)
    failed.outcome.set_exception(KeyError())
    await tasks.drain()
    assert undone == []


async def test_work_that_is_run_to_its_end_is_waited_for_however_often_its_caller_is_cancelled() -> None:
    work = Work()
    caller = start(run_to_end(work.run()))
    await settle()
    await cancel(caller)
    await cancel(caller)
    assert not caller.done()
    assert work.ended == ""
    work.outcome.set_result("done")
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.ended == "done"


async def test_a_cancellation_wins_over_an_error_which_is_logged_by_type(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    caller = start(run_to_end(work.run()))
    await settle()
    await cancel(caller)
    work.outcome.set_exception(KeyError("a text of theirs"))
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert [(each.message, each.__dict__["error"]) for each in caplog.records] == [(LOST, "KeyError")]
    assert "theirs" not in written(caplog)


async def test_a_task_that_runs_already_is_run_to_its_end() -> None:
    work = Work()
    task = asyncio.create_task(work.run())
    caller = start(run_to_end(task))
    await settle()
    await cancel(caller)
    assert not task.cancelled()
    work.outcome.set_result("done")
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await run_to_end(task) == "done"


async def test_tasks_have_ended_when_they_were_cancelled_whatever_they_make_of_it() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError

    tasks = [asyncio.create_task(Work().run()), asyncio.create_task(fail_when_cancelled())]
    await settle()
    await cancel_and_wait(*tasks)
    assert all(each.done() for each in tasks)


async def test_tasks_have_ended_even_if_their_canceller_is_cancelled_too() -> None:
    may_end = asyncio.Event()

    async def end_slowly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()

    task = asyncio.create_task(end_slowly())
    await settle()
    caller = start(cancel_and_wait(task))
    await settle()
    await cancel(caller)
    assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert task.cancelled()


async def test_cancelling_nothing_takes_no_time() -> None:
    await cancel_and_wait()


async def test_the_first_wait_that_ends_cancels_the_others() -> None:
    first, second = Work(), Work()
    caller = start(wait_for_first(first.run(), second.run()))
    await settle()
    first.outcome.set_result("done")
    await caller
    assert (first.ended, second.ended) == ("done", "CancelledError")


async def test_a_cancelled_caller_leaves_no_wait_behind() -> None:
    first, second = Work(), Work()
    caller = start(wait_for_first(first.run(), second.run()))
    await settle()
    await cancel(caller)
    assert caller.cancelled()
    assert (first.ended, second.ended) == ("CancelledError", "CancelledError")


async def test_a_sleep_ends_after_its_time() -> None:
    clock, event = FakeClock(), asyncio.Event()
    caller = start(sleep_unless(clock, event, 10))
    await clock.advance(9)
    assert not caller.done()
    await clock.advance(1)
    assert await caller is False


async def test_a_sleep_ends_at_once_when_the_event_is_set() -> None:
    clock, event = FakeClock(), asyncio.Event()
    caller = start(sleep_unless(clock, event, 10))
    await clock.advance(1)
    event.set()
    await settle()
    assert await caller is True
    assert clock.monotonic() == 1


async def test_there_is_no_sleep_when_the_event_is_set_already() -> None:
    clock, event = FakeClock(), asyncio.Event()
    event.set()
    assert await sleep_unless(clock, event, 10) is True
    assert clock.slept_s == []


async def test_a_sleep_that_is_cancelled_leaves_nothing_behind() -> None:
    clock = FakeClock()
    caller = start(sleep_unless(clock, asyncio.Event(), 10))
    await settle()
    await cancel(caller)
    assert caller.cancelled()


async def test_tasks_that_others_start_are_drained_too() -> None:
    tasks, first, second = BackgroundTasks(), Work(), Work()

    async def run_both() -> None:
        await first.run()
        tasks.start(second.run())

    tasks.start(run_both())
    draining = start(tasks.drain())
    await settle()
    first.outcome.set_result("done")
    await settle()
    assert not draining.done()
    second.outcome.set_result("done")
    await draining


async def test_a_started_task_that_fails_is_logged_by_name_and_type(caplog: pytest.LogCaptureFixture) -> None:
    tasks, work = BackgroundTasks(), Work()
    tasks.start(work.run())
    work.outcome.set_exception(KeyError("a text of theirs"))
    await tasks.drain()
    await settle()
    assert [each.__dict__["task"] for each in caplog.records] == ["Work.run"]
    assert "theirs" not in written(caplog)


async def test_closing_waits_for_what_ends_in_time_and_cancels_the_rest() -> None:
    tasks, quick, slow = BackgroundTasks(), Work(), Work()
    tasks.start(quick.run())
    tasks.start(slow.run())
    quick.outcome.set_result("done")
    await tasks.close(0.01)
    assert (quick.ended, slow.ended) == ("done", "CancelledError")


class Steps:
    """The steps of a loop: when each was taken, and what each is to return or raise."""

    def __init__(self, clock: FakeClock, *outcomes: object) -> None:
        self._clock = clock
        self._outcomes = list(outcomes)
        self.taken_at: list[float] = []

    async def take(self) -> object:
        self.taken_at.append(self._clock.monotonic())
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_a_loop_takes_a_step_after_each_pause() -> None:
    clock = FakeClock()
    steps = Steps(clock)
    async with background_loop(steps.take, 10, clock, name="steps"):
        await clock.advance(35)
    await clock.advance(100)
    assert steps.taken_at == [10, 20, 30]


async def test_a_loop_can_begin_at_once() -> None:
    clock = FakeClock()
    steps = Steps(clock)
    async with background_loop(steps.take, 10, clock, name="steps", at_once=True):
        await clock.advance(15)
    assert steps.taken_at == [0, 10]


async def test_a_loop_goes_on_after_any_error(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    steps = Steps(clock, StoreUnavailable("busy"), KeyError("data"), None)
    async with background_loop(steps.take, 10, clock, name="steps"):
        await clock.advance(35)
    assert steps.taken_at == [10, 20, 30]
    warning, error = caplog.records
    assert (warning.levelno, warning.message, warning.__dict__["detail"]) == (logging.WARNING, "steps failed", "busy")
    assert (error.levelno, error.message, error.exc_info is not None) == (logging.ERROR, "steps failed", True)


async def test_a_loop_pauses_as_long_as_it_is_to_after_a_step_that_was_not_done() -> None:
    clock = FakeClock()
    steps = Steps(clock, False, StoreUnavailable("busy"), KeyError("data"), True)
    async with background_loop(steps.take, 10, clock, name="steps", retry_s=1, at_once=True):
        await clock.advance(14)
    assert steps.taken_at == [0, 1, 2, 3, 13]


async def test_a_loop_without_a_pause_waits_in_its_step() -> None:
    clock, event = FakeClock(), asyncio.Event()
    steps = Steps(clock, False)

    async def wait_and_take() -> object:
        await event.wait()
        event.clear()
        return await steps.take()

    async with background_loop(wait_and_take, 0, clock, name="steps", retry_s=5):
        await clock.advance(1)
        event.set()
        await clock.advance(1)
        event.set()
        await clock.advance(10)
    assert steps.taken_at == [1, 6]


async def test_the_step_at_work_has_ended_when_the_block_is_left() -> None:
    clock, may_end, ended = FakeClock(), asyncio.Event(), list[str]()

    async def step() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            ended.append("ended")

    async def run() -> None:
        async with background_loop(step, 1, clock, name="steps", at_once=True):
            await asyncio.Event().wait()

    caller = start(run())
    await settle()
    await cancel(caller)
    await cancel(caller)  # the second must not cut off the wait for the end
    assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == ["ended"]


async def drops_a_cancellation() -> None:
    """Do as `asyncio.wait_for` does before Python 3.12 where its result comes together with the cancellation."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def test_a_cancellation_that_a_library_drops_is_raised_all_the_same() -> None:
    async def work() -> None:
        while True:
            await drops_a_cancellation()
            raise_if_cancelled()

    task = asyncio.create_task(work())
    await settle()
    await cancel(task)
    assert task.cancelled()


async def test_the_cancellation_of_a_timeout_is_over_with_it() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    raise_if_cancelled()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
