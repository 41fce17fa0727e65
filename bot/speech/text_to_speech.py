"""The use case behind `/say`: a text becomes one MP3, requested in chunks where it is long.

`prepare` checks everything that needs no network, and is quick; `speak` does the work. Inside the reservation's block,
what gave audio is recorded as spent, and leaving it releases the rest.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from bot.api.speech import SpeechApi
from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import ApiError, InvalidApiResponse
from bot.messages import speech as texts
from bot.messages.message import Message
from bot.quotas.ledger import Ledger
from bot.quotas.reservation import Reservation
from bot.request_log import RequestLog
from bot.speech.chunking import get_duration_s, join_to_file, split_text
from bot.speech.normalize import has_words, speakable_typed_text
from bot.speech.pronunciations import Pronunciation, Pronunciations
from bot.speech.sentence_stream import MAX_SPOKEN_LENGTH, TooLongToSpeak
from bot.speech.utterance import AudioChunk, Label, Utterance
from bot.speech.voice_settings import validate_voice
from bot.store.quota_limits import Kind
from bot.tasks import cancel_and_wait
from bot.workers.pool import Workers

MAX_CONCURRENT: Final = 2  # chunks requested at once: the next one is there when one ends, without flooding the API
MIN_USABLE_S: Final = 1.0  # less than this of a chunk that broke off is of no use
TITLE_LENGTH: Final = 200  # characters of a text by which people know it in a queue
FILE_NAME: Final = "speech.mp3"

_LINES: Final = re.compile(r".{500,}?(?:\n|\Z)|.+", re.DOTALL)

ToSpeakable = Callable[[str], Awaitable[str]]
"""Returns what is said of a text; may raise NoSpeakableText and TooLongToSpeak."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PreparedSpeech:
    """What is going to be said, and what is reserved for it.

    Enter `reservation` around all that follows, the acknowledgement too, so that a failure there releases it.
    """

    requester: RequestContext
    title: str
    chunks: tuple[str, ...]
    voice: str
    model: str
    reservation: Reservation

    @property
    def characters(self) -> int:
        """Return how many characters the API will be asked to say."""
        return sum(map(len, self.chunks))

    @property
    def label(self) -> Label:
        """What people see of it in the queue of a voice channel."""
        requester = self.requester
        return Label(requester.user_id, requester.name, self.title, self.characters, channel_id=requester.channel_id)


@dataclass(frozen=True, slots=True)
class Speech:
    """One file to send. `note` says why if it holds only the beginning, else it is None."""

    mp3: bytes
    characters: int
    note: Message | None
    filename: str = FILE_NAME


@dataclass(slots=True)
class _Part:
    """The request for one chunk: its audio so far, where that is played meanwhile, and why it ended early if it did."""

    text: str
    audio_chunk: AudioChunk | None = None
    audio: bytearray = field(default_factory=bytearray)
    error: ApiError | None = None

    def feed(self, data: bytes) -> None:
        self.audio += data
        if self.audio_chunk is not None:
            self.audio_chunk.feed(data)


class TextToSpeech:
    """Speaks texts."""

    def __init__(
        self, speech: SpeechApi, ledger: Ledger, pronunciations: Pronunciations, workers: Workers, clock: Clock
    ) -> None:
        self._speech = speech
        self._ledger = ledger
        self._pronunciations = pronunciations
        self._workers = workers
        self._clock = clock

    async def prepare(
        self,
        requester: RequestContext,
        text: str,
        voice: str,
        model: str,
        *,
        to_speakable: ToSpeakable = speakable_typed_text,
    ) -> PreparedSpeech:
        """Normalize the text, apply the guild's pronunciations, and reserve its characters. Asks the store only.

        `to_speakable` is `speakable_typed_text` for what a member wants to be said, and `speakable_markdown` for what
        was written to be read.

        Raises:
            NoSpeakableText: no word is left of the text.
            TooLongToSpeak: it is more than is read aloud.
            InvalidOption: no voice could be called that.
            QuotaExceeded: a limit on spoken characters would be exceeded.
            StoreUnavailable: the store cannot be used just now.
        """
        voice = validate_voice(voice)
        words = await to_speakable(text)
        pronunciation = await self._pronunciations.get_for_guild(requester.guild_id)
        chunks = tuple(
            chunk for chunk in split_text(await _apply_pronunciation(words, pronunciation)) if has_words(chunk)
        )
        reservation = await self._ledger.reserve(requester, {Kind.SPEECH_CHARACTERS: sum(map(len, chunks))})
        return PreparedSpeech(requester, words[:TITLE_LENGTH], chunks, voice, model, reservation)

    async def speak(self, prepared: PreparedSpeech, upload_limit: int, utterance: Utterance | None = None) -> Speech:
        """Return it as one file of at most `upload_limit` bytes. Ends the reservation in every case.

        When a chunk fails, what came before it is still returned, with a note. `utterance` gets the audio as it comes;
        once it is dropped, no more is requested; where it was refused the file is complete all the same.

        Raises:
            ApiError: no audio came.
            TooLongToSend: it cannot be made to fit into `upload_limit`.
        """
        with RequestLog("say", prepared.requester, self._clock) as request_log:
            request_log.record(model=prepared.model, characters=prepared.characters, chunks=len(prepared.chunks))
            speech = await self._speak(prepared, upload_limit, utterance)
            request_log.record(spent=speech.characters, bytes=len(speech.mp3))
            if speech.note is not None:
                request_log.set_outcome("cut")
            return speech

    async def speak_in_voice_channel(self, prepared: PreparedSpeech, utterance: Utterance) -> None:
        """Play it in a voice channel only, requested when it is about to be played. Ends the reservation.

        Raises:
            ApiError: no audio came.
        """
        with RequestLog("read", prepared.requester, self._clock) as request_log:
            request_log.record(model=prepared.model, characters=prepared.characters, chunks=len(prepared.chunks))
            async with prepared.reservation:
                await utterance.due.wait()
                if utterance.dropped:
                    return
                parts = await self._request_all(prepared, utterance)
            if not any(part.audio for part in parts) and not utterance.dropped:
                raise _find_error(parts) or InvalidApiResponse("speech without a byte")

    async def _speak(self, prepared: PreparedSpeech, upload_limit: int, utterance: Utterance | None) -> Speech:
        parts = await self._request_all(prepared, utterance)
        playable, error = list(_list_playable(parts)), _find_error(parts)
        if not playable:
            if utterance is not None and utterance.dropped and error is None:
                return Speech(b"", 0, texts.stopped())
            raise error or InvalidApiResponse("speech without a byte")
        if error is not None:
            extra = {"pieces": len(parts), "playable": len(playable), "detail": str(error)}
            logger.warning("speech cut short", extra=extra)
        chunks = [bytes(part.audio) for part in playable]
        mp3 = await join_to_file(self._workers, chunks, upload_limit, prepared.requester.user_id)
        return Speech(mp3, _count_paid_characters(parts), _build_note(error, whole=len(playable) == len(parts)))

    async def _request_all(self, prepared: PreparedSpeech, utterance: Utterance | None) -> list[_Part]:
        """Request all chunks, as far as they are wanted, and record what that cost."""
        parts = [_Part(chunk, utterance.add_chunk() if utterance else None) for chunk in prepared.chunks]
        async with prepared.reservation as reservation:
            try:
                await self._request_in_order(prepared, parts, utterance)
            finally:
                reservation.set_spent({Kind.SPEECH_CHARACTERS: _count_paid_characters(parts)})
                if utterance is not None:
                    _end_playback(parts)
                    utterance.close()
        return parts

    async def _request_in_order(
        self, prepared: PreparedSpeech, parts: Sequence[_Part], utterance: Utterance | None
    ) -> None:
        """Request `parts`, a few at once, until all came, one failed or no one listens; leaves no request running."""
        waiting = deque(parts)
        running: deque[tuple[_Part, asyncio.Task[None]]] = deque()
        try:
            while waiting or running:
                if utterance is not None and utterance.dropped and utterance.refusal is None:
                    waiting.clear()
                while waiting and len(running) < MAX_CONCURRENT:
                    part = waiting.popleft()
                    running.append((part, asyncio.create_task(self._request_part(part, prepared))))
                if not running:
                    return  # dropped before anything was requested
                part, task = running[0]
                await task
                running.popleft()
                if part.error is not None:
                    return
        finally:
            await cancel_and_wait(*(task for _, task in running))

    async def _request_part(self, part: _Part, prepared: PreparedSpeech) -> None:
        """Request one chunk. Audio that cannot be used is dropped, and so is not counted as spent."""
        try:
            async with aclosing(self._speech.stream(prepared.model, part.text, prepared.voice)) as chunks:
                async for chunk in chunks:
                    part.feed(chunk)
        except ApiError as error:
            part.error = error
        if part.audio_chunk is not None and part.error is None:
            part.audio_chunk.end()
        if not part.audio:
            part.error = part.error or InvalidApiResponse("speech without a byte")
        else:
            await self._check_audio(part, prepared.requester)

    async def _check_audio(self, part: _Part, requester: RequestContext) -> None:
        """Drop what came if it cannot be played, or if it broke off too early."""
        try:
            seconds = await get_duration_s(self._workers, bytes(part.audio), requester.user_id)
        except asyncio.CancelledError:
            part.audio.clear()  # an earlier chunk failed, or the bot stops: this one is not used
            raise
        except InvalidApiResponse as error:
            part.error = part.error or error
            part.audio.clear()
        else:
            if part.error is not None and seconds < MIN_USABLE_S:
                part.audio.clear()


async def _apply_pronunciation(text: str, pronunciation: Pronunciation) -> str:
    """Return `text` with the guild's pronunciations. Works on a few lines or a part of a long one at a time.

    Raises:
        TooLongToSpeak: that makes it more than is read aloud.
    """
    spoken: list[str] = []
    characters = 0
    for lines in _LINES.findall(text):
        for part in pronunciation.parts(lines):
            spoken.append(part)
            characters += len(part)
            if characters > MAX_SPOKEN_LENGTH:
                raise TooLongToSpeak(f"more than {MAX_SPOKEN_LENGTH} characters as this server has them said")
            await asyncio.sleep(0)
    return "".join(spoken)


def _list_playable(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Yield what can be played without a gap: up to the first part that failed, with what came of that one."""
    for part in parts:
        if part.audio:
            yield part
        if part.error is not None or not part.audio:
            return


def _find_error(parts: Sequence[_Part]) -> ApiError | None:
    return next((part.error for part in parts if part.error is not None), None)


def _count_paid_characters(parts: Sequence[_Part]) -> int:
    """Return the number of characters that were paid for."""
    return sum(len(part.text) for part in parts if part.audio)


def _end_playback(parts: Sequence[_Part]) -> None:
    """End what is playable, and drop what would come after a gap."""
    playable = list(_list_playable(parts))
    for part in parts:
        if part.audio_chunk is not None:
            part.audio_chunk.end() if part in playable else part.audio_chunk.drop()


def _build_note(error: ApiError | None, *, whole: bool) -> Message | None:
    if error is not None:
        return texts.only_beginning(error.message)
    return None if whole else texts.stopped()
