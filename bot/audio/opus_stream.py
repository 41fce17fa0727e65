"""One unbroken run of packets, made of the clips that are put into it one after the other."""

import itertools
import logging
import threading
from collections import deque
from typing import Final

from bot.audio.clip import READY_PACKETS, Clip
from bot.audio.constants import SILENCE
from bot.audio.decoder import MAX_SPEED, MIN_SPEED
from bot.audio.pipeline import Checkpoint, EncodePipeline, Part
from bot.audio.worker_pool import WorkerPool
from bot.errors import BotError, InvalidApiResponse

_AHEAD: Final = 150  # packets made ahead of what was read: 3 s
_LOW: Final = 50  # and when work begins again: seldom, since a core that wakes up for it is slow at first
_STEPS: Final = 25  # of a tenth of a millisecond each: a turn in the pool
_LONGEST_WAIT: Final = 50  # packets; after how much of them a clip goes on that stops again and again

_log = logging.getLogger(__name__)


class OpusStream:
    """Clips chained in one encoder, without a seam between them. Every method may be called from any thread.

    The player's thread pops packets and does nothing else; all work is done in the pool, at most three seconds ahead.
    One lock guards what the two share, and is never held while anything is decoded or encoded.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        # Side by side, not in pairs: thousands of pairs that live for seconds would have the garbage collector look
        # through the whole program now and then, and hold up everybody's sound for as long.
        self._packets: deque[bytes] = deque()
        self._parts: deque[tuple[Part, ...]] = deque()
        self._clips: list[Clip] = []
        self._seams: dict[Clip, Checkpoint] = {}
        self._closed = self._abandoned = False

        # How it is read.
        self._holding = True
        self._wait = READY_PACKETS

        # What the worker is told.
        self._press = EncodePipeline()
        self._at_work = self._news = False
        self._full = False  # enough is made; reading wakes the worker when it gets less
        self._era = 0  # packets made for an earlier one are not wanted any more
        self._begin_anew = self._go_on_anew = False
        self._anew_from: Checkpoint | None = None
        pool.join(self)

    def clip(self, *, speed: float = 1.0) -> Clip:
        """Append a clip at the end.

        Raises:
            ValueError: the speed is not from 0.5 to 2.
        """
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"speed {speed}")
        clip = Clip(self, speed)
        with self._lock:
            if self._closed:
                clip.finish(dropped=True)
            else:
                self._clips.append(clip)
        return clip

    def close(self) -> None:
        """Say that no further clip comes: after the last one `read` gives the end."""
        with self._lock:
            self._closed = True
            self._tell_worker()

    def abandon(self) -> None:
        """Drop everything; `read` gives the end from now on."""
        with self._lock:
            self._closed = self._abandoned = True
            self._end_all()
            self._tell_worker()

    def read(self) -> bytes:
        """Give the next packet; silence while there is none; nothing at all at the end. Never waits.

        After silence it goes on exactly where it stopped.
        """
        with self._lock:
            return self._read()

    # For the clips.

    def take(self, clip: Clip, data: bytes) -> None:
        """Keep bytes of a clip until their turn."""
        with self._lock:
            clip.put(data)
            if not self._full:
                self._tell_worker()

    def take_end(self, clip: Clip) -> None:
        """Note that a clip has no further bytes."""
        with self._lock:
            clip.put_end()
            if not self._full:
                self._tell_worker()

    def drop(self, clip: Clip) -> None:
        """Take a clip out, and what was made of those behind it, which begin again."""
        with self._lock:
            if clip.finished:
                return
            at = self._clips.index(clip)
            if clip.begun:
                self._cut(clip, self._clips[at - 1] if at else None, self._clips[at + 1 :])
            self._clips.remove(clip)
            self._seams.pop(clip, None)
            clip.finish(dropped=True)
            self._tell_worker()

    # For the pool.

    def turn(self) -> bool:
        """Do a little of the work; true when there is more."""
        with self._lock:
            self._news = False
        try:
            more = self._work()
        except Exception:
            # Whatever it was, the threads are everybody's, and nobody may be left waiting for this talk.
            _log.exception("a talk failed in the pool")
            with self._lock:
                self._closed = self._abandoned = True
                self._end_all(BotError("the audio pipeline failed"))
            more = False
        with self._lock:
            self._at_work = more or self._news
            return self._at_work

    # The player's half, under the lock.

    def _read(self) -> bytes:
        if self._packets and (not self._holding or self._may_go_on()):
            return self._pop()
        if self._at_end():
            return b""
        if not self._holding:
            self._starve()
        return SILENCE

    def _pop(self) -> bytes:
        # Short on purpose: a player comes here every 20 ms, and by then the core has forgotten all about it.
        self._holding = False
        packet = self._packets.popleft()
        for clip, samples, last in self._parts.popleft():
            clip.samples_read += samples
            if last:
                self._wait = READY_PACKETS
                self._clips.remove(clip)
                self._seams.pop(clip, None)
                clip.finish()
        left = len(self._packets)
        if left <= _LOW and (self._full or left == READY_PACKETS - 1):
            self._tell_worker()
        return packet

    def _at_end(self) -> bool:
        return self._abandoned or (self._closed and not self._clips)

    def _may_go_on(self) -> bool:
        return len(self._packets) >= self._wait or any(part.last for parts in self._parts for part in parts)

    def _starve(self) -> None:
        """Be silent until there is more: longer each time that the same clip runs dry, so that the pauses are few."""
        self._holding = True
        if self._clips and self._clips[0].samples_read:
            self._wait = min(2 * self._wait, _LONGEST_WAIT)
        self._era += 1
        self._go_on_anew = True
        self._tell_worker()

    def _cut(self, clip: Clip, before: Clip | None, behind: list[Clip]) -> None:
        """Take back what was made of `clip`, which was begun, and of all behind it."""
        gone = {clip, *behind}
        self._parts = deque(
            itertools.takewhile(lambda parts: gone.isdisjoint(part.clip for part in parts), self._parts)
        )
        self._packets = deque(itertools.islice(self._packets, len(self._parts)))
        # What came before it ends either in a packet that stays, or in its seam.
        ends = any(part.last and part.clip is before for parts in self._parts for part in parts)
        for each in behind:
            each.rewind()
            self._seams.pop(each, None)
        self._anew_from = None if before is None or ends else self._seams[before]
        if clip.samples_read:
            self._holding, self._wait = True, READY_PACKETS
        self._era += 1
        self._begin_anew, self._go_on_anew = True, False

    def _end_all(self, fault: BotError | None = None) -> None:
        self._packets.clear()
        self._parts.clear()
        for clip in self._clips:
            clip.finish(dropped=fault is None, fault=fault)
        self._clips.clear()
        self._seams.clear()
        self._era += 1

    def _tell_worker(self) -> None:
        self._news = True
        if not self._at_work:
            self._at_work = True
            self._pool.ask(self)

    # The worker's half.

    def _work(self) -> bool:
        return all(self._step() for _ in range(_STEPS))

    def _step(self) -> bool:
        """Do the next piece of the work; false when there is none to do now."""
        with self._lock:
            if self._abandoned:
                self._press = EncodePipeline()
                return False
            self._catch_up()
            era, press = self._era, self._press
            self._full = len(self._packets) >= _AHEAD
            if self._full:
                return False
            due = press.has_frame
            clip = piece = None
            if not due:
                clip = self._current()
                piece = clip.piece() if clip is not None else None
            if not due and piece is None and press.has_rest and (clip is None or not press.holds(clip)):
                # Nothing follows an ended clip. What is left of it can wait for the next while there is enough to read;
                # after silence that is more, and what is left may be all that the reader waits for.
                due = self._closed or len(self._packets) < (self._wait if self._holding else READY_PACKETS)
        if due:
            self._encode(era)
        elif clip is not None and piece is not None:
            self._decode(clip, piece)
        else:
            return False
        return True

    def _current(self) -> Clip | None:
        """Tell which clip's turn it is; settles those that are through, now that no whole frame is left of them."""
        while (clip := next((each for each in self._clips if not each.pressed), None)) is not None:
            if not clip.decoded:
                return clip
            clip.pressed = True
            if clip.samples_made:
                self._seams[clip] = self._press.end(clip)
            else:
                self._clips.remove(clip)
                clip.finish(fault=InvalidApiResponse("speech without sound"))
        return None

    def _catch_up(self) -> None:
        """Do with the press what was asked for in the meantime."""
        if self._begin_anew:
            self._press.begin_anew(self._anew_from)
            self._anew_from = None
        if self._go_on_anew:
            self._press.go_on_anew()
        self._begin_anew = self._go_on_anew = False

    def _encode(self, era: int) -> None:
        packet, parts = self._press.encode()
        with self._lock:
            if era != self._era:
                return
            self._press.shift()
            self._packets.append(packet)
            self._parts.append(parts)
            for part in parts:
                part.clip.ready_by(part.samples, last=part.last)

    def _decode(self, clip: Clip, piece: memoryview) -> None:
        samples = self._press.decode(clip, piece)
        with self._lock:
            if self._begin_anew:
                return  # and this clip is out, or begins again
            clip.samples_made += samples
            clip.decoded = not piece
