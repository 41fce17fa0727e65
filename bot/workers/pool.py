"""Child processes that read bytes of others: a job that takes too long, or too much memory, costs a process at most."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Hashable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bot.errors import BotError
from bot.workers import framing
from bot.workers.fair_limit import FairLimit, LimitFull
from bot.workers.framing import Head, InvalidFrame

log = logging.getLogger(__name__)

PROGRAM: Final = "bot.worker"
JOB_TIMEOUT_S: Final = 10.0
"""How long a job may take, a new process's start included."""

MAX_JOBS: Final = 200
"""Of one process; then a new one takes over, so that nothing grows for ever."""

IDLE_S: Final = 5.0
"""How long a process is kept that nobody needs. A new one is there in a tenth of a second."""

_CHUNK: Final = 256 * 1024
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
# Nothing else: whoever gets hold of a worker finds no token and no key.
_INHERITED: Final = (
    *("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"),
    *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "VIRTUAL_ENV"),
)


class Failure(StrEnum):
    """Why a job gave no result."""

    BROKEN = "broken"
    """The bytes are not what they should be."""
    TOO_BIG = "too big"
    """The result cannot be made as small as it has to be."""
    TOO_SLOW = "too slow"
    MEMORY = "memory"
    DIED = "died"
    LARGE = "large"
    """A picture that is decoded only while no other large one is."""
    FULL = "full"
    """Too many jobs wait already."""


class JobFailed(BotError):
    """A job gave no result. Callers make an error of their own of it, with a sentence that fits."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure}: {detail}" if detail else str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job gave."""

    facts: Head
    parts: list[bytes]


class Workers:
    """Runs jobs in at most `max_running` processes, one of an owner at a time, the others waiting in line.

    A process is started when it is first needed. Leaving the block ends all of them, whatever they do.
    """

    def __init__(self, max_running: int = 2) -> None:
        self._limit = FairLimit(max_running)
        self._large_pictures = FairLimit(1)
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._closed = True
        while self._idle or self._busy:
            self._end(self._idle.pop() if self._idle else self._busy.pop())
        while self._ending:
            await asyncio.wait(self._ending)

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run."""
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
        """Have a job done; `owner` is who it is for, where one member's jobs should not hold up another's.

        Being cancelled ends the job at once.

        Raises:
            JobFailed: there is no result.
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
        picture: bytes,
        *,
        owner: Hashable | None = None,
        timeout_s: float = JOB_TIMEOUT_S,
        **options: object,
    ) -> JobResult:
        """Do as `run`, for a picture: of large ones, each of which may take 300 MB, one is decoded at a time.

        How large it is shows when a worker opens it. `timeout_s` begins anew once a large one has its turn.

        Raises:
            JobFailed: there is no result.
        """
        try:
            return await self.run(job, [picture], owner=owner, timeout_s=timeout_s, **options, may_be_large=False)
        except JobFailed as error:
            if error.failure is not Failure.LARGE:
                raise
        try:
            async with self._large_pictures.slot(object() if owner is None else owner):
                return await self.run(job, [picture], owner=owner, timeout_s=timeout_s, **options, may_be_large=True)
        except LimitFull:
            raise JobFailed(Failure.FULL) from None

    async def _run(self, job: str, head: bytes, parts: Sequence[bytes], timeout_s: float) -> JobResult:
        if self._closed:
            raise JobFailed(Failure.DIED, "the bot ends")
        worker = self._idle.pop() if self._idle else _Worker()
        worker.is_wanted()
        self._busy.add(worker)
        reusable = False
        try:
            async with asyncio.timeout(timeout_s):
                answer, sent = await worker.ask(head, parts)
            if (failure := answer.get("failure")) is not None:
                failed = JobFailed(Failure(failure), str(answer.get("detail", ""))[:200])
                reusable = failed.failure is not Failure.MEMORY
                raise failed
            reusable = True
            return JobResult(answer.get("facts", {}), sent)
        except TimeoutError:
            raise self._lost(job, Failure.TOO_SLOW, parts) from None
        except (EOFError, OSError, InvalidFrame, ValueError) as error:
            raise self._lost(job, Failure.DIED, parts, error) from None
        finally:
            self._busy.discard(worker)
            if reusable and worker.jobs < MAX_JOBS:
                self._idle.append(worker)
                worker.is_idle(self._let_go)
            else:
                self._end(worker)

    def _lost(self, job: str, failure: Failure, parts: Sequence[bytes], error: Exception | None = None) -> JobFailed:
        facts = {"job": job, "failure": failure, "bytes": sum(map(len, parts))}
        log.warning("job not done", extra=facts if error is None else {**facts, "error": type(error).__name__})
        return JobFailed(failure)

    def _let_go(self, worker: "_Worker") -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            self._end(worker)

    def _end(self, worker: "_Worker") -> None:
        """Kill a process and see in the background that it is gone."""
        task = asyncio.create_task(worker.end(), name="worker's end")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
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

    async def ask(self, head: bytes, parts: Sequence[bytes]) -> tuple[Head, list[bytes]]:
        """Send a job and return what comes back.

        Raises:
            EOFError, OSError, InvalidFrame: the process cannot be started, or ended, or sends nonsense.
        """
        self.jobs += 1
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(head)
        for part in parts:
            view = memoryview(part)
            for at in range(0, len(view), _CHUNK):
                process.stdin.write(view[at : at + _CHUNK])
                await process.stdin.drain()
        await process.stdin.drain()
        size = framing.decode_head_length(await process.stdout.readexactly(framing.PREFIX.size))
        answer, sizes = framing.decode_head(await process.stdout.readexactly(size))
        return answer, [await process.stdout.readexactly(each) for each in sizes]

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            # In a shield: one that is cancelled half-way would leave a process that nobody knows.
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    PROGRAM,
                    cwd=_CHECKOUT,
                    env={**environment, "MALLOC_ARENA_MAX": "1"},
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    # What a library prints about somebody's file belongs into no log.
                    stderr=asyncio.subprocess.DEVNULL,
                    start_new_session=os.name == "posix",  # Ctrl-C is for the bot, which then ends its workers
                )
            )
            try:
                self._process = await asyncio.shield(starting)
            except asyncio.CancelledError:
                self._process = await starting
                raise
        return self._process

    def is_wanted(self) -> None:
        """Take note that a job comes."""
        if self._idle is not None:
            self._idle.cancel()

    def is_idle(self, let_go: Callable[["_Worker"], None]) -> None:
        """Have `let_go` called when nothing more has come for a while."""
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, let_go, self)

    def kill(self) -> None:
        """End it the hard way."""
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Wait until the process is gone, after `kill`."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


_FILES_AT_ONCE = 4
_FILES_AT_ONCE_EACH = 2


class DecodingWorkers:
    """The workers for files and for sound, and the limit on files that are held in memory at once.

    Sound has workers of its own: somebody's pictures should not hold up what others want to hear.
    """

    def __init__(self) -> None:
        self.files = Workers()
        self.audio = Workers()
        self.downloads = FairLimit(_FILES_AT_ONCE, max_per_owner=_FILES_AT_ONCE_EACH)
        """Held from before a member's file is fetched until it has been read: so many times 20 MiB at most."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.files)
        await self._stack.enter_async_context(self.audio)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._stack.aclose()
