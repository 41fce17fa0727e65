"""Something that is said in a voice channel: pieces of sound that one side makes and the line plays in order."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from bot.errors import UserError

log = logging.getLogger(__name__)


class Source(Protocol):
    """Opus packets of 20 ms (48 kHz, stereo), one a call."""

    def read(self) -> bytes:
        """Give the next packet, or nothing when there are no more. Called from a thread; never blocks."""
        ...


class Speaker(Protocol):
    """The bot's voice in one server."""

    async def speak(self, source: Source) -> None:
        """Play `source` to its end, also where the connection has to be made anew meanwhile.

        Raises:
            VoiceLost: it is gone for good, and nothing can be played any more.
        """
        ...


CHARACTERS_PER_S: Final = 15.0
"""How fast the voices speak, about; for telling how long something takes before it is there."""


@dataclass(frozen=True, slots=True)
class Label:
    """What people see of an utterance in the queue: who had it said, its beginning, and how many characters it has.

    `characters` is None where nobody knows yet, since it is still being written. `turn_of` is whose turn on the line it
    takes where not the member's own: the messages of a channel that is read aloud share one, and so keep their order.
    `channel_id` is the channel or thread that it comes from.
    """

    member_id: int
    member: str
    title: str
    characters: int | None = None
    turn_of: int | None = None
    channel_id: int | None = None

    @property
    def turn(self) -> int:
        """Whose turn it takes."""
        return self.member_id if self.turn_of is None else self.turn_of


class Permit(Protocol):
    """Whether everybody who listens at a moment may hear an utterance."""

    async def check(self) -> None:
        """Do nothing if everybody who listens now may hear it. Asks Discord where that is not known.

        Raises:
            UserError: somebody may not, or nobody can tell.
        """

    def stands(self) -> bool:
        """Whether it may be heard by anybody who could come, so that nothing needs to be asked."""

    def holds(self) -> bool:
        """Whether everybody who listens now is known to be allowed to hear it."""


class AudioChunk:
    """One MP3 of an utterance, passed on as it arrives. Made by `Utterance.piece`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.ended = False
        self.over = asyncio.Event()
        """Set when it was heard to its end, or will not be."""
        self._waiting = bytearray()
        self._clip: Clip | None = None
        self._changed = changed

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.over.is_set():
            return
        if self._clip is None:
            self._waiting += data
        else:
            self._clip.feed(data)

    def end(self) -> None:
        """Take note that there are no more."""
        self.ended = True
        if self._clip is not None:
            self._clip.end()
        self._changed()

    def drop(self) -> None:
        """Let nothing of it be heard any more."""
        self._waiting.clear()
        self.over.set()
        if self._clip is not None:
            self._clip.drop()
        self.end()

    def onto(self, clip: Clip) -> None:
        """Give what there is, and from now on what comes, to `clip`."""
        self._clip = clip
        clip.feed(bytes(self._waiting))
        self._waiting.clear()
        if self.ended:
            clip.end()


class Utterance:
    """One entry of a server's line.

    Whoever makes its sound calls `piece` for each MP3, in the order in which they are heard, and `close` after the last
    one; `near` tells when it is worth asking for sound. The line calls `onto` when it is its turn. `drop` ends it at
    any moment, from either side; whoever makes its sound then makes no more.

    Args:
        speed: how fast it is played, 1.0 being as it comes.
        permit: what is asked when its turn comes, and when somebody joins while it is said; None lets anybody hear it.
    """

    def __init__(self, label: Label, *, speed: float = 1.0, permit: Permit | None = None) -> None:
        self.label = label
        self.permit = permit
        self.near = asyncio.Event()
        """Set when it is about to be heard, and when it was dropped."""
        self.dropped = False
        self.refused: UserError | None = None
        """Why it was dropped, where that was because somebody who listens may not hear it."""
        self.on_change: Callable[[], None] = _nothing
        """Called when it may have come nearer to its end; the line's."""
        self._speed = speed
        self._pieces: list[AudioChunk] = []
        self._clips: list[Clip] = []
        self._closed = False
        self._talk: OpusStream | None = None
        self._listening: set[asyncio.Task[None]] = set()

    @property
    def fed(self) -> bool:
        """Whether all of its sound is there, so that something else may follow it."""
        return self.dropped or (self._closed and all(piece.ended for piece in self._pieces))

    @property
    def over(self) -> bool:
        """Whether it was heard to its end, or dropped."""
        return self.dropped or (self._closed and self._talk is not None and not self._listening)

    @property
    def left_s(self) -> float | None:
        """About how many seconds of it are still to be heard; None where nobody can know."""
        if self.label.characters is None:
            return None
        heard_s = sum(clip.heard_s for clip in self._clips)
        known_s = sum(clip.known_s for clip in self._clips)
        return max(self.label.characters / CHARACTERS_PER_S / self._speed, known_s) - heard_s

    def piece(self) -> AudioChunk:
        """Begin the next MP3."""
        if self._closed:
            raise RuntimeError("the utterance is closed")
        piece = AudioChunk(self._changed)
        self._pieces.append(piece)
        if self._talk is not None and not self.dropped:
            self._put(piece, self._talk)
        return piece

    def close(self) -> None:
        """Take note that no further MP3 comes."""
        self._closed = True
        self._changed()

    def onto(self, talk: OpusStream) -> None:
        """Be heard in `talk`, from now on as more arrives."""
        self._talk = talk
        self.near.set()
        if not self.dropped:
            for piece in self._pieces:
                self._put(piece, talk)

    @property
    def begun(self) -> bool:
        """Whether it has sound on its way, so that `ready` knows what to wait for."""
        return bool(self._clips)

    async def ready(self) -> None:
        """Wait until the beginning of its sound can be played without a gap, or turns out not to be."""
        await self._clips[0].ready()

    def refuse(self, refusal: UserError) -> None:
        """Be silent from now on, since somebody who listens may not hear it."""
        if not self.dropped:
            self.refused = refusal
        self.drop()

    def drop(self) -> None:
        """Be silent from now on."""
        if self.dropped:
            return
        self.dropped = True
        self.near.set()
        for piece in self._pieces:
            piece.drop()
        self._changed()

    def _put(self, piece: AudioChunk, talk: OpusStream) -> None:
        clip = talk.clip(speed=self._speed)
        self._clips.append(clip)
        piece.onto(clip)
        task = asyncio.create_task(self._listen(clip, piece), name="clip")
        self._listening.add(task)
        task.add_done_callback(self._heard)
        self._changed()

    async def _listen(self, clip: Clip, piece: AudioChunk) -> None:
        heard = await clip.done()
        piece.over.set()
        if heard.fault is not None and not heard.dropped:
            log.warning("sound could not be played", extra={"error": type(heard.fault).__name__})

    def _heard(self, task: asyncio.Task[None]) -> None:
        self._listening.discard(task)
        self._changed()

    def _changed(self) -> None:
        self.on_change()


def _nothing() -> None:
    """Nobody wants to know."""
