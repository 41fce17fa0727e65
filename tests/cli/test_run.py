"""The end of a connection that is being made."""

import asyncio

from bot.cli.run import _cancel_and_log


async def test_a_connection_that_takes_its_cancellation_for_a_failure_ends_all_the_same() -> None:
    tries = []

    async def connect() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                tries.append("cancelled")
                if len(tries) == 3:
                    raise

    serving = asyncio.create_task(connect())
    await asyncio.sleep(0)
    await _cancel_and_log(serving)
    assert serving.cancelled()
    assert len(tries) == 3


async def test_a_connection_that_failed_meanwhile_is_no_fault() -> None:
    async def connect() -> None:
        raise OSError

    serving = asyncio.create_task(connect())
    await asyncio.sleep(0)
    await _cancel_and_log(serving)
    assert isinstance(serving.exception(), OSError)
