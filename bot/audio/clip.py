"""One MP3 of an Opus stream: fed from its first byte on, heard when it is appended to the stream."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from bot.audio.decoder import MAX_SPEED, MIN_SPEED, RATE
from bot.errors import BotError


class ThreadsafeEvent:
    """Like `asyncio.Event` without `clear`: set from any thread, awaited on any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def is_set(self) -> bool:
        """Return whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Set it; later calls change nothing."""
        with self._lock:
            self._is_set = True
            waiters, self._waiters = self._waiters, set()
        for future in waiters:
            # A closed loop refuses the call; nothing waits there any more.
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_wake, future)

    async def wait(self) -> None:
        """Wait until it is set."""
        with self._lock:
            if self._is_set:
                return
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(future)
        try:
            await future
        finally:
            with self._lock:
                self._waiters.discard(future)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


PACKET_SAMPLES: Final = 960
"""Samples in a packet of 20 ms."""

READY_PACKETS: Final = 10
"""Packets that are encoded before a clip begins: 200 ms."""

_PIECE_BYTES: Final = 2048  # what is decoded in one go: about a quarter of a second


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """How a clip ended: how many seconds of it were read, and why not all of it."""

    seconds: float
    dropped: bool
    fault: BotError | None


class ClipStream(Protocol):
    """What a clip needs of its stream. A wall: streams import clips, and clips no stream."""

    @property
    def lock(self) -> threading.Lock:
        """Guards the fields of the stream's clips."""
        ...

    def on_fed(self) -> None:
        """Decode on: a clip was fed, or has come to its end. Called under the lock."""
        ...

    def drop(self, clip: "Clip") -> None:
        """Take a clip out of the stream."""
        ...


class Clip:
    """An MP3, first on its own and then in a stream, whose lock guards its fields.

    In a stream every method may be called from any thread, and before that by one thread at a time.

    Raises:
        ValueError: the speed is not from 0.5 to 2.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"speed {speed}")
        self.speed: Final = speed
        self._stream: ClipStream | None = None
        self._is_ready, self._is_done = ThreadsafeEvent(), ThreadsafeEvent()
        self._result: PlaybackResult | None = None

        self._buffered: deque[memoryview] = deque()
        self._started_pieces: list[memoryview] = []
        # Kept until a packet was read: if a clip before this one is dropped, it is decoded again.
        self._all_received = False
        self.is_started = False  # some of it was decoded
        self.is_decoded = False  # all of it was
        self.is_encoded = False  # all of it became packets, but for what the next packet begins with
        self.samples_made = 0
        self.samples_ready = 0
        self.samples_read = 0

    @property
    def decoded_s(self) -> float:
        """Return the seconds decoded so far."""
        return self.samples_made / RATE

    @property
    def played_s(self) -> float:
        """Return the seconds read so far."""
        return min(self.samples_read, self.samples_made) / RATE

    def feed(self, data: bytes) -> None:
        """Append the MP3's next bytes, cut anywhere."""
        if not data:
            return
        with self._feeding():
            if not self.is_finished:
                self._buffered.append(memoryview(bytes(data)))

    def end(self) -> None:
        """Record that there are no further bytes."""
        with self._feeding():
            self._all_received = True

    def drop(self) -> None:
        """Drop it: from now on nothing of it is read."""
        if self._stream is None:
            self.finish(dropped=True)
        else:
            self._stream.drop(self)

    async def ready(self) -> None:
        """Wait until `READY_PACKETS` of it can be read, or all of it, or until it is done."""
        await self._is_ready.wait()

    async def done(self) -> PlaybackResult:
        """Wait until its last packet was read, or it was dropped or failed, and return how it ended."""
        await self._is_done.wait()
        assert self._result is not None
        return self._result

    @property
    def is_complete(self) -> bool:
        """Return whether there are no further bytes."""
        return self._all_received

    @contextmanager
    def _feeding(self) -> Iterator[None]:
        """Hold the lock of the stream while the block runs, then let it decode on; on its own a clip has no lock."""
        if self._stream is None:
            yield
            return
        with self._stream.lock:
            yield
            self._stream.on_fed()

    # For the stream, under its lock.

    def attach(self, stream: ClipStream) -> None:
        """Have `stream` play it, and what is fed from now on."""
        self._stream = stream

    @property
    def has_input(self) -> bool:
        """Return whether there are bytes to decode, or their end is known."""
        return bool(self._buffered) or self._all_received

    @property
    def is_finished(self) -> bool:
        """Return whether it has ended, one way or another."""
        return self._result is not None

    def next_piece(self) -> memoryview | None:
        """Return the next bytes to decode: empty at the end, None while they have yet to arrive."""
        if not self._buffered:
            return memoryview(b"") if self._all_received else None
        first = self._buffered.popleft()
        next_piece, rest = first[:_PIECE_BYTES], first[_PIECE_BYTES:]
        if rest:
            self._buffered.appendleft(rest)
        self.is_started = True
        if self.samples_read:
            self._started_pieces.clear()
        else:
            self._started_pieces.append(next_piece)
        return next_piece

    def count_ready(self, samples: int, *, last: bool) -> None:
        """Count samples that became packets."""
        self.samples_ready += samples
        if last or self.samples_ready >= READY_PACKETS * PACKET_SAMPLES:
            self._is_ready.set()

    def rewind(self) -> None:
        """Start over from its first byte: its packets were discarded. Only before any of it was read."""
        self._buffered.extendleft(reversed(self._started_pieces))
        self._started_pieces.clear()
        self.is_started = self.is_decoded = self.is_encoded = False
        self.samples_made = self.samples_ready = 0

    def finish(self, *, dropped: bool = False, fault: BotError | None = None) -> None:
        """Record how it ended, once, and wake what waits for that."""
        if self._result is not None:
            return
        self._result = PlaybackResult(self.played_s, dropped, fault)
        self._buffered.clear()
        self._started_pieces.clear()
        self._is_ready.set()
        self._is_done.set()
