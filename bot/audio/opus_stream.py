"""A gapless stream of Opus packets made of the clips appended to it."""

import itertools
import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from bot.audio.clip import READY_PACKETS, Clip
from bot.audio.pipeline import SILENCE, Checkpoint, EncodePipeline, Part
from bot.audio.worker_pool import WorkerPool
from bot.errors import BotError, InvalidApiResponse

_MOST_AHEAD: Final = 150  # packets encoded ahead of what was read: 3 s
_LEAST_AHEAD: Final = 50  # packets; below it work begins again: seldom, since a core that wakes up is slow at first
_STEPS: Final = 25  # of a tenth of a millisecond each, in one step of the pool
_MOST_TO_RESUME: Final = 50  # packets that a clip which stalls again and again needs to go on

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restart:
    """Continue with a new encoder, from the first sample that is in no packet."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Drop all samples, or go back to a checkpoint, and continue with new codecs."""

    checkpoint: Checkpoint | None


@dataclass(frozen=True, slots=True)
class EncodeFrame:
    """Make the next packet."""


@dataclass(frozen=True, slots=True)
class DecodePiece:
    """Decode a clip's next bytes; none are its end."""

    clip: Clip
    data: memoryview


class OpusStream:
    """Clips in one encoder, without a gap between them. Every method may be called from any thread.

    The player's thread pops packets and does nothing else; all work is done in the pool, at most three seconds ahead.
    One lock guards what the two share, and is never held while anything is decoded or encoded.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self.lock = threading.Lock()
        """Guards the stream's fields and those of its clips."""
        # Two deques, not one of pairs: thousands of pairs that live for seconds would make the garbage collector scan
        # the whole program now and then, and delay all sound for as long.
        self._packets: deque[bytes] = deque()
        self._parts: deque[tuple[Part, ...]] = deque()
        self._clips: list[Clip] = []
        self._checkpoints: dict[Clip, Checkpoint] = {}
        self._closed = self._abandoned = False

        # The reader's state.
        self._is_silent = True
        self._resume_at = READY_PACKETS

        # The worker's state, and the reader's commands to it. While one waits, what the worker makes is outdated.
        self._pipeline = EncodePipeline()
        self._is_scheduled = False
        self._is_ahead = False  # enough is encoded; reading wakes the worker when it gets less
        self._commands: list[Restart | Reset] = []
        pool.register(self)

    def append(self, clip: Clip) -> None:
        """Append a clip at the end, with what it was fed so far; it is dropped where the stream was closed."""
        with self.lock:
            clip.attach(self)
            if self._closed:
                clip.finish(dropped=True)
            elif not clip.is_finished:
                self._clips.append(clip)
                if clip.has_input:
                    self.on_fed()

    def close(self) -> None:
        """Expect no further clip: after the last one `read` returns nothing."""
        with self.lock:
            self._closed = True
            self._wake_worker()

    def abandon(self) -> None:
        """Drop everything; `read` returns nothing from now on."""
        with self.lock:
            self._closed = self._abandoned = True
            self._end_all()
            self._wake_worker()

    def read(self) -> bytes:
        """Return the next packet; `SILENCE` while there is none; no bytes at the end. Never waits.

        After silence the stream continues exactly where it stopped.
        """
        with self.lock:
            return self._read()

    # For the clips.

    def on_fed(self) -> None:
        """Decode on, unless enough is done ahead: a clip was fed, or has come to its end. Called under the lock."""
        if not self._is_ahead:
            self._wake_worker()

    def drop(self, clip: Clip) -> None:
        """Take a clip out, and the packets of those behind it, which are decoded again."""
        with self.lock:
            if clip.is_finished:
                return
            at = self._clips.index(clip)
            if clip.is_started:
                self._discard_from(clip, self._clips[at - 1] if at else None, self._clips[at + 1 :])
            self._clips.remove(clip)
            self._checkpoints.pop(clip, None)
            clip.finish(dropped=True)
            self._wake_worker()

    # For the pool.

    def step(self) -> bool:
        """Do a little of the work, and return whether there is more."""
        try:
            return all(self._step() for _ in range(_STEPS))
        except Exception:
            # Whatever it was, all streams share the threads, and nothing may be left waiting for this stream.
            logger.exception("audio stream failed")
            with self.lock:
                self._closed = self._abandoned = True
                self._end_all(BotError("the audio pipeline failed"))
                self._is_scheduled = False
            return False

    # The reader's half, under the lock.

    def _read(self) -> bytes:
        if self._packets and (not self._is_silent or self._can_resume()):
            return self._pop()
        if self._is_over():
            return b""
        if not self._is_silent:
            self._on_underrun()
        return SILENCE

    def _pop(self) -> bytes:
        # Short on purpose: it runs every 20 ms, with cold caches.
        self._is_silent = False
        packet = self._packets.popleft()
        for clip, samples, last in self._parts.popleft():
            clip.samples_read += samples
            if last:
                self._resume_at = READY_PACKETS
                self._clips.remove(clip)
                self._checkpoints.pop(clip, None)
                clip.finish()
        left = len(self._packets)
        if left <= _LEAST_AHEAD and (self._is_ahead or left == READY_PACKETS - 1):
            self._wake_worker()
        return packet

    def _is_over(self) -> bool:
        return self._abandoned or (self._closed and not self._clips)

    def _can_resume(self) -> bool:
        return len(self._packets) >= self._resume_at or any(part.last for parts in self._parts for part in parts)

    def _on_underrun(self) -> None:
        """Be silent until there is more: longer each time that the same clip stalls, so that there are few pauses."""
        self._is_silent = True
        if self._clips and self._clips[0].samples_read:
            self._resume_at = min(2 * self._resume_at, _MOST_TO_RESUME)
        self._commands.append(Restart())
        self._wake_worker()

    def _discard_from(self, clip: Clip, before: Clip | None, behind: list[Clip]) -> None:
        """Discard the packets of `clip`, which was started, and of all clips behind it."""
        dropped = {clip, *behind}
        self._parts = deque(
            itertools.takewhile(lambda parts: dropped.isdisjoint(part.clip for part in parts), self._parts)
        )
        self._packets = deque(itertools.islice(self._packets, len(self._parts)))
        # The clip before ends either in a packet that stays, or at its checkpoint.
        ends = any(part.last and part.clip is before for parts in self._parts for part in parts)
        for each in behind:
            each.rewind()
            self._checkpoints.pop(each, None)
        self._commands.append(Reset(None if before is None or ends else self._checkpoints[before]))
        if clip.samples_read:
            self._is_silent, self._resume_at = True, READY_PACKETS

    def _end_all(self, fault: BotError | None = None) -> None:
        self._packets.clear()
        self._parts.clear()
        for clip in self._clips:
            clip.finish(dropped=fault is None, fault=fault)
        self._clips.clear()
        self._checkpoints.clear()

    def _wake_worker(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._pool.schedule(self)

    # The worker's half.

    def _step(self) -> bool:
        """Do the next piece of the work, and return whether there was one to do now."""
        with self.lock:
            self._carry_out_commands()
            work = self._next_work()
            # At once, in the same lock: what arrives from now on schedules the stream again.
            self._is_scheduled = work is not None
        match work:
            case EncodeFrame():
                self._encode_packet()
            case DecodePiece(clip, data):
                self._decode_piece(clip, data)
        return work is not None

    def _carry_out_commands(self) -> None:
        for command in self._commands:
            match command:
                case Restart():
                    self._pipeline.restart_encoder()
                case Reset(checkpoint):
                    self._pipeline.reset(checkpoint)
        self._commands.clear()

    def _next_work(self) -> EncodeFrame | DecodePiece | None:
        if self._abandoned:
            self._pipeline = EncodePipeline()
            return None
        self._is_ahead = len(self._packets) >= _MOST_AHEAD
        if self._is_ahead:
            return None
        if self._pipeline.has_frame:
            return EncodeFrame()
        clip = self._current()
        data = clip.next_piece() if clip is not None else None
        if clip is not None and data is not None:
            return DecodePiece(clip, data)
        return EncodeFrame() if self._is_remainder_due(clip) else None

    def _is_remainder_due(self, clip: Clip | None) -> bool:
        """Return whether the rest of an ended clip, less than a frame, has to be encoded now, padded with silence."""
        if not self._pipeline.has_remainder or (clip is not None and self._pipeline.holds(clip)):
            return False
        # Nothing follows it yet. It can wait for the next clip while there is enough to read; after silence that is
        # more, and the rest may be all that the reader waits for.
        return self._closed or len(self._packets) < (self._resume_at if self._is_silent else READY_PACKETS)

    def _current(self) -> Clip | None:
        """Return the clip to decode next; finish those that are decoded, now that no whole frame is left of them."""
        while (clip := next((each for each in self._clips if not each.is_encoded), None)) is not None:
            if not clip.is_decoded:
                return clip
            clip.is_encoded = True
            if clip.samples_made:
                self._checkpoints[clip] = self._pipeline.end(clip)
            else:
                self._clips.remove(clip)
                clip.finish(fault=InvalidApiResponse("speech without sound"))
        return None

    def _encode_packet(self) -> None:
        packet, parts = self._pipeline.encode()
        with self.lock:
            if self._commands or self._abandoned:
                return  # its samples are encoded again, or dropped
            self._pipeline.consume_frame()
            self._packets.append(packet)
            self._parts.append(parts)
            for part in parts:
                part.clip.count_ready(part.samples, last=part.last)

    def _decode_piece(self, clip: Clip, data: memoryview) -> None:
        samples = self._pipeline.decode(clip, data)
        with self.lock:
            if any(isinstance(command, Reset) for command in self._commands):
                return  # and this clip is out, or begins again
            clip.samples_made += samples
            clip.is_decoded = not data
