"""Child processes that decode untrusted bytes: a job that takes too long or too much memory costs at most a process."""

import asyncio
import logging
import os
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bot.errors import BotError
from bot.tasks import BackgroundTasks, run_to_end
from bot.workers import framing
from bot.workers.framing import Head, InvalidFrame

logger = logging.getLogger(__name__)

PROGRAM: Final = "bot.worker"
JOB_TIMEOUT_S: Final = 10.0
"""How long a job may take, including the start of a new process."""

MAX_JOBS: Final = 200
"""Of one process; then it is replaced, so that its memory does not grow without limit."""

IDLE_S: Final = 5.0
"""How long an idle process is kept. A new one starts in a tenth of a second."""

_CHUNK_BYTES: Final = 256 * 1024
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
# Nothing else: code that takes over a worker finds no token and no key.
_INHERITED_VARIABLES: Final = (
    *("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"),
    *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "VIRTUAL_ENV"),
)


class Failure(StrEnum):
    """Why a job has no result."""

    BROKEN = "broken"
    """The bytes are not in the expected format."""
    TOO_BIG = "too big"
    """The result does not fit into the limit."""
    TOO_SLOW = "too slow"
    MEMORY = "memory"
    DIED = "died"
    LARGE = "large"
    """A large image, which is decoded only while no other large one is."""
    FULL = "full"
    """Too many jobs wait already."""


class JobFailed(BotError):
    """A job has no result. Callers map it to an error of their own, with a sentence that fits."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure}: {detail}" if detail else str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job."""

    facts: Head
    parts: list[bytes]


MAX_WAITING: Final = 200
MAX_WAITING_PER_OWNER: Final = 20


class LimitFull(Exception):
    """Too many tasks wait already."""


class FairLimit:
    """Lets `max_running` blocks run, `max_per_owner` of one owner; owners that wait are served round robin.

    So many or slow blocks of one owner delay those of others by one block at most. Waiting can be cancelled at any
    moment.
    """

    def __init__(self, max_running: int, *, max_per_owner: int = 1) -> None:
        self._max_running = max_running
        self._max_per_owner = max_per_owner
        self._running: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """The number of waiting tasks."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a slot and hold it while the block runs.

        Raises:
            LimitFull: too many wait, of this owner or in all.
        """
        if self._running.total() < self._max_running and self._running[owner] < self._max_per_owner:
            self._running[owner] += 1
        else:
            await self._wait(owner)
        try:
            yield
        finally:
            self._release(owner)

    async def _wait(self, owner: Hashable) -> None:
        queue = self._waiting.get(owner, ())
        if len(queue) >= MAX_WAITING_PER_OWNER or self.waiting >= MAX_WAITING:
            raise LimitFull
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._remove_waiter(owner, future)
            else:  # it got the slot in the same moment
                self._release(owner)
            raise

    def _remove_waiter(self, owner: Hashable, future: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner)
        if queue is not None and future in queue:
            queue.remove(future)
            if not queue:
                del self._waiting[owner]

    def _release(self, owner: Hashable) -> None:
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        while self._running.total() < self._max_running:
            next_owner = next((each for each in self._waiting if self._running[each] < self._max_per_owner), None)
            if next_owner is None:
                return
            queue = self._waiting.pop(next_owner)
            future = queue.popleft()
            if queue:
                self._waiting[next_owner] = queue  # behind the other owners
            if not future.cancelled():
                self._running[next_owner] += 1
                future.set_result(None)


class Workers:
    """Runs jobs in at most `max_running` processes, one of an owner at a time; the others are queued.

    A process is started when it is first needed. Leaving the block kills all of them.
    """

    def __init__(self, max_running: int = 2) -> None:
        self._limit = FairLimit(max_running)
        self._large_images = FairLimit(1)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._ending = BackgroundTasks()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._closed = True
        while self._idle or self._busy:
            self._terminate(self._idle.pop() if self._idle else self._busy.pop())
        await self._ending.drain()

    @property
    def pids(self) -> list[int]:
        """The ids of the running processes."""
        return [worker.pid for worker in (*self._idle, *self._busy) if worker.pid is not None]

    async def run(
        self,
        job: str,
        parts: Sequence[bytes],
        *,
        owner: Hashable | None = None,
        timeout_s: float = JOB_TIMEOUT_S,
        **options: object,
    ) -> JobResult:
        """Return the result of a job; `owner` is whom it is for, so that one member's jobs don't delay another's.

        Cancellation ends the job at once.

        Raises:
            JobFailed: it has no result.
        """
        try:
            head = framing.encode_head({"job": job, "options": options, "timeout_s": timeout_s}, parts)
        except InvalidFrame as error:
            raise JobFailed(Failure.TOO_BIG, str(error)) from None
        try:
            async with self._limit.slot(object() if owner is None else owner):
                return await self._run(job, head, parts, timeout_s)
        except LimitFull:
            raise JobFailed(Failure.FULL) from None

    async def run_image_job(
        self,
        job: str,
        image: bytes,
        *,
        owner: Hashable | None = None,
        timeout_s: float = JOB_TIMEOUT_S,
        **options: object,
    ) -> JobResult:
        """Return the result of a job on an image: large ones, each of which may take 300 MB, are decoded one at a time.

        A worker finds out how large it is. `timeout_s` starts again when a large one is decoded.

        Raises:
            JobFailed: it has no result.
        """
        try:
            return await self.run(job, [image], owner=owner, timeout_s=timeout_s, **options, may_be_large=False)
        except JobFailed as error:
            if error.failure is not Failure.LARGE:
                raise
        try:
            async with self._large_images.slot(object() if owner is None else owner):
                return await self.run(job, [image], owner=owner, timeout_s=timeout_s, **options, may_be_large=True)
        except LimitFull:
            raise JobFailed(Failure.FULL) from None

    async def _run(self, job: str, head: bytes, parts: Sequence[bytes], timeout_s: float) -> JobResult:
        if self._closed:
            raise JobFailed(Failure.DIED, "the bot ends")
        worker = self._idle.pop() if self._idle else _Worker()
        worker.cancel_idle_timer()
        self._busy.add(worker)
        reusable = False
        try:
            async with asyncio.timeout(timeout_s):
                answer, sent = await worker.request(head, parts)
            if (failure := answer.get("failure")) is not None:
                failed = JobFailed(Failure(failure), str(answer.get("detail", ""))[:200])
                reusable = failed.failure is not Failure.MEMORY
                raise failed
            reusable = True
            return JobResult(answer.get("facts", {}), sent)
        except TimeoutError:
            raise self._record_failure(job, Failure.TOO_SLOW, parts) from None
        except (EOFError, OSError, InvalidFrame, ValueError) as error:
            raise self._record_failure(job, Failure.DIED, parts, error) from None
        finally:
            self._busy.discard(worker)
            if reusable and worker.jobs < MAX_JOBS:
                self._idle.append(worker)
                worker.start_idle_timer(self._end_if_idle)
            else:
                self._terminate(worker)

    def _record_failure(
        self, job: str, failure: Failure, parts: Sequence[bytes], error: Exception | None = None
    ) -> JobFailed:
        facts = {"job": job, "failure": failure, "bytes": sum(map(len, parts))}
        logger.warning("job failed", extra=facts if error is None else {**facts, "error": type(error).__name__})
        return JobFailed(failure)

    def _end_if_idle(self, worker: "_Worker") -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            self._terminate(worker)

    def _terminate(self, worker: "_Worker") -> None:
        """Kill a process; a background task waits for its end."""
        self._ending.start(worker.end())
        worker.kill()


class _Worker:
    """One process."""

    def __init__(self) -> None:
        self.jobs = 0
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def request(self, head: bytes, parts: Sequence[bytes]) -> tuple[Head, list[bytes]]:
        """Return the response to a job.

        Raises:
            EOFError, OSError, InvalidFrame: the process cannot be started, ended, or sent an invalid frame.
        """
        self.jobs += 1
        process = self._process
        if process is None:
            # A start that is cut off would leave a process that is not tracked.
            process = await run_to_end(self._start_process())
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(head)
        for part in parts:
            view = memoryview(part)
            for at in range(0, len(view), _CHUNK_BYTES):
                process.stdin.write(view[at : at + _CHUNK_BYTES])
                await process.stdin.drain()
        await process.stdin.drain()
        size = framing.decode_head_length(await process.stdout.readexactly(framing.PREFIX.size))
        answer, sizes = framing.decode_head(await process.stdout.readexactly(size))
        return answer, [await process.stdout.readexactly(each) for each in sizes]

    async def _start_process(self) -> asyncio.subprocess.Process:
        environment = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            PROGRAM,
            cwd=_CHECKOUT,
            env={**environment, "MALLOC_ARENA_MAX": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What a library prints about a member's file must not be logged.
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=os.name == "posix",  # Ctrl-C is for the bot, which then ends its workers
        )
        return process

    def cancel_idle_timer(self) -> None:
        """Keep the process: a job has come."""
        if self._idle is not None:
            self._idle.cancel()

    def start_idle_timer(self, on_idle: Callable[["_Worker"], None]) -> None:
        """Call `on_idle` if no job comes for `IDLE_S`."""
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, on_idle, self)

    def kill(self) -> None:
        """Kill the process if it runs."""
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Wait for the process's end, after `kill`."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


_MAX_DOWNLOADS = 4
_MAX_DOWNLOADS_PER_OWNER = 2


class DecodingWorkers:
    """The workers for files and for audio, and the limit on files held in memory at once.

    Audio has workers of its own, so that images do not delay speech.
    """

    def __init__(self) -> None:
        self.files = Workers()
        self.audio = Workers()
        self.downloads = FairLimit(_MAX_DOWNLOADS, max_per_owner=_MAX_DOWNLOADS_PER_OWNER)
        """Held from before a member's file is downloaded until it is decoded: at most this many times 20 MiB."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.files)
        await self._stack.enter_async_context(self.audio)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._stack.aclose()
