"""Something that is said in a voice channel: chunks of audio that one side makes and the voice queue plays in order."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Protocol

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from bot.errors import UserError
from bot.tasks import BackgroundTasks

logger = logging.getLogger(__name__)


class Speaker(Protocol):
    """The bot's voice in one guild: the wall between the queue and discord.py's voice connection."""

    async def speak(self, stream: OpusStream) -> None:
        """Play `stream` to its end, also over a new connection where the first one breaks.

        Raises:
            VoiceLost: the connection is gone for good, and nothing can be played any more.
        """
        ...


CHARACTERS_PER_S: Final = 15.0
"""How fast the voices speak, about; to estimate how long something takes before its audio has come."""


@dataclass(frozen=True, slots=True)
class Label:
    """What people see of an utterance in the queue: who requested it, its beginning, and its number of characters.

    `characters` is None while the text is still being written. `shared_owner_id` replaces the member's id in the fair
    order: the messages of a channel that is read aloud share one, and so keep their order. `channel_id` is the channel
    or thread that it comes from.
    """

    member_id: int
    member: str
    title: str
    characters: int | None = None
    shared_owner_id: int | None = None
    channel_id: int | None = None

    @property
    def owner_id(self) -> int:
        """The id whose utterances keep their order, and which is served in turn with others."""
        return self.member_id if self.shared_owner_id is None else self.shared_owner_id


class Permit(Protocol):
    """Whether all who listen may hear an utterance: the wall between the queue and Discord's permissions."""

    async def check(self) -> None:
        """Check that all who listen now may hear it. Asks Discord where that is not known.

        Raises:
            UserError: a listener may not, or that cannot be found out.
        """

    def is_unconditional(self) -> bool:
        """Return whether all who could ever listen may hear it, so that nothing needs to be checked."""

    def is_granted(self) -> bool:
        """Return whether all who listen now are known to be allowed to hear it."""


class AudioChunk(Clip):
    """One MP3 of an utterance, which learns when it has all of it. Made by `Utterance.add_chunk`."""

    def __init__(self, utterance: "Utterance", speed: float) -> None:
        super().__init__(speed)
        self._utterance = utterance

    def end(self) -> None:
        """Record that there are no further bytes."""
        super().end()
        self._utterance.changed.set()

    def drop(self) -> None:
        """Drop it: from now on nothing of it is played."""
        super().drop()
        self.end()


class Utterance:
    """One entry of a guild's voice queue.

    Its producer calls `add_chunk` for each MP3, in the order in which they are played, and `close` after the last one;
    `due` is set when it is worth requesting the audio. The queue calls `attach_to` when its turn comes. Either side may
    `drop` it at any moment; the producer then requests no more.

    Args:
        speed: playback speed; 1.0 is as synthesized.
        permit: checked when its turn comes, and when a listener joins while it is said; None lets everyone hear it.
    """

    def __init__(self, label: Label, *, speed: float = 1.0, permit: Permit | None = None) -> None:
        self.label = label
        self.permit = permit
        self.due = asyncio.Event()
        """Set when it is about to be played, and when it was dropped."""
        self.dropped = False
        self.refusal: UserError | None = None
        """Why it was dropped, where that was because a listener may not hear it."""
        self.changed = asyncio.Event()
        """Set when it may have come nearer to its end; those of one queue share the queue's."""
        self._speed = speed
        self._chunks: list[AudioChunk] = []
        self._closed = False
        self._stream: OpusStream | None = None
        self._unplayed = 0  # chunks in the stream whose end is not known yet
        self._tasks = BackgroundTasks()

    @property
    def is_fully_received(self) -> bool:
        """Return whether all of its audio has come, so that the next utterance may follow it."""
        return self.dropped or (self._closed and all(chunk.is_complete for chunk in self._chunks))

    @property
    def finished(self) -> bool:
        """Return whether it was played to its end, or dropped."""
        return self.dropped or (self._closed and self._stream is not None and not self._unplayed)

    @property
    def remaining_s(self) -> float | None:
        """About how many seconds of it are still to be played; None while its length is unknown."""
        if self.label.characters is None:
            return None
        played_s = sum(chunk.played_s for chunk in self._chunks)
        decoded_s = sum(chunk.decoded_s for chunk in self._chunks)
        return max(self.label.characters / CHARACTERS_PER_S / self._speed, decoded_s) - played_s

    def add_chunk(self) -> AudioChunk:
        """Start the next MP3.

        Raises:
            RuntimeError: the utterance is closed.
        """
        if self._closed:
            raise RuntimeError("the utterance is closed")
        chunk = AudioChunk(self, self._speed)
        self._chunks.append(chunk)
        if self.dropped:
            chunk.drop()
        elif self._stream is not None:
            self._append(chunk, self._stream)
        return chunk

    def close(self) -> None:
        """Mark that no further MP3 comes."""
        self._closed = True
        self.changed.set()

    def attach_to(self, stream: OpusStream) -> None:
        """Play in `stream` what has come, and from now on what comes."""
        self._stream = stream
        self.due.set()
        if not self.dropped:
            for chunk in self._chunks:
                self._append(chunk, stream)

    @property
    def has_audio(self) -> bool:
        """Return whether some of it is in a stream, so that `wait_until_ready` knows what to wait for."""
        return self._stream is not None and bool(self._chunks)

    async def wait_until_ready(self) -> None:
        """Wait until the beginning of its audio can be played without a gap, or is found unplayable."""
        await self._chunks[0].ready()

    def refuse(self, refusal: UserError) -> None:
        """Drop it because a listener may not hear it."""
        if not self.dropped:
            self.refusal = refusal
        self.drop()

    def drop(self) -> None:
        """Drop what was not played yet."""
        if self.dropped:
            return
        self.dropped = True
        self.due.set()
        for chunk in self._chunks:
            chunk.drop()
        self.changed.set()

    def _append(self, chunk: AudioChunk, stream: OpusStream) -> None:
        stream.append(chunk)
        self._unplayed += 1
        self._tasks.start(self._watch(chunk))
        self.changed.set()

    async def _watch(self, chunk: AudioChunk) -> None:
        """Wait until a chunk is done, and log it where it could not be played."""
        result = await chunk.done()
        self._unplayed -= 1
        self.changed.set()
        if result.fault is not None and not result.dropped:
            logger.warning("sound could not be played", extra={"error": type(result.fault).__name__})
