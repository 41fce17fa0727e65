"""Work that ends when its token is cancelled, with everything put away."""

import asyncio

import pytest

from bot.inflight.cancellation import CancellationToken, CancelReason


class Work:
    """Goes on until it is let go or cancelled, and takes a moment to put things away."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go, self.put_away = asyncio.Event(), False
        self._error = error

    async def do(self) -> None:
        try:
            await self.go.wait()
            if self._error is not None:
                raise self._error
        finally:
            await asyncio.sleep(0)
            self.put_away = True


async def test_work_is_done_to_its_end() -> None:
    work = Work()
    work.go.set()
    assert await CancellationToken().run(work.do()) is None


async def test_a_cancelled_token_ends_it_and_says_why() -> None:
    work, cancellation = Work(), CancellationToken()
    doing = asyncio.create_task(cancellation.run(work.do()))
    await asyncio.sleep(0)
    cancellation.cancel(CancelReason.STOPPED)
    assert await doing is CancelReason.STOPPED
    assert work.put_away


async def test_nothing_is_begun_when_it_is_cancelled_already() -> None:
    work, cancellation = Work(), CancellationToken()
    cancellation.cancel(CancelReason.DELETED)
    assert await cancellation.run(work.do()) is CancelReason.DELETED
    assert not work.put_away


async def test_its_error_is_passed_on() -> None:
    work = Work(KeyError("no"))
    work.go.set()
    with pytest.raises(KeyError):
        await CancellationToken().run(work.do())


async def test_a_cancelled_caller_takes_it_along() -> None:
    work = Work()
    doing = asyncio.create_task(CancellationToken().run(work.do()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    doing.cancel()
    await asyncio.wait({doing})
    assert doing.cancelled()
    assert work.put_away
