"""One MP3 in a talk."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.audio.constants import PACKET_SAMPLES, RATE
from bot.audio.thread_event import ThreadsafeEvent
from bot.errors import BotError

if TYPE_CHECKING:
    from bot.audio.opus_stream import OpusStream

READY_PACKETS: Final = 10
"""Packets that are there before a clip begins: 200 ms to get ahead by."""

_PIECE_BYTES: Final = 2048  # what is decoded in one go: about a quarter of a second


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What became of a clip: how much of it was read, and why not all of it."""

    seconds: float
    dropped: bool
    fault: BotError | None


class Clip:
    """An MP3's place in a talk. Every method may be called from any thread.

    The talk keeps the fields without a public name; its lock guards them.
    """

    def __init__(self, talk: "OpusStream", speed: float) -> None:
        self.speed: Final = speed
        self._talk = talk
        self._is_ready, self._is_done = ThreadsafeEvent(), ThreadsafeEvent()
        self._heard: PlaybackResult | None = None

        self._waiting: deque[memoryview] = deque()
        self._taken: list[memoryview] = []  # until a packet was read: if one before it is dropped, it begins again
        self._ended = False
        self.begun = False  # some of it was taken to be decoded
        self.decoded = False  # all of it was
        self.pressed = False  # and all became packets, but for what the next one begins with
        self.samples_made = 0
        self.samples_ready = 0
        self.samples_read = 0

    @property
    def known_s(self) -> float:
        """Seconds decoded so far."""
        return self.samples_made / RATE

    @property
    def heard_s(self) -> float:
        """Seconds read so far."""
        return min(self.samples_read, self.samples_made) / RATE

    def feed(self, data: bytes) -> None:
        """Give the MP3's next bytes, as many as there are and cut anywhere."""
        if data:
            self._talk.take(self, bytes(data))

    def end(self) -> None:
        """Say that these were all bytes."""
        self._talk.take_end(self)

    def drop(self) -> None:
        """Skip it: from now on nothing of it is read."""
        self._talk.drop(self)

    async def ready(self) -> None:
        """Wait until about 200 ms of it are there to be read, or all of it, or until it is done."""
        await self._is_ready.wait()

    async def done(self) -> PlaybackResult:
        """Wait until its last packet was read, or it was dropped, or it turned out to be no MP3."""
        await self._is_done.wait()
        assert self._heard is not None
        return self._heard

    # What follows is for the talk, under its lock.

    @property
    def finished(self) -> bool:
        """Whether nothing more will become of it."""
        return self._heard is not None

    def put(self, data: bytes) -> None:
        """Keep bytes until their turn comes."""
        if not self.finished:
            self._waiting.append(memoryview(data))

    def put_end(self) -> None:
        """Expect no more bytes."""
        self._ended = True

    def piece(self) -> memoryview | None:
        """Take the next bytes to decode; empty ones at the end, none while they have yet to come."""
        if not self._waiting:
            return memoryview(b"") if self._ended else None
        first = self._waiting.popleft()
        piece, rest = first[:_PIECE_BYTES], first[_PIECE_BYTES:]
        if rest:
            self._waiting.appendleft(rest)
        self.begun = True
        if self.samples_read:
            self._taken.clear()
        else:
            self._taken.append(piece)
        return piece

    def ready_by(self, samples: int, *, last: bool) -> None:
        """Count what is there to be read."""
        self.samples_ready += samples
        if last or self.samples_ready >= READY_PACKETS * PACKET_SAMPLES:
            self._is_ready.ring()

    def rewind(self) -> None:
        """Have it begin again: what came before it in the packets is gone."""
        self._waiting.extendleft(reversed(self._taken))
        self._taken.clear()
        self.begun = self.decoded = self.pressed = False
        self.samples_made = self.samples_ready = 0

    def finish(self, *, dropped: bool = False, fault: BotError | None = None) -> None:
        """Settle what became of it, and wake who waits."""
        if self._heard is not None:
            return
        self._heard = PlaybackResult(self.heard_s, dropped, fault)
        self._waiting.clear()
        self._taken.clear()
        self._is_ready.ring()
        self._is_done.ring()
