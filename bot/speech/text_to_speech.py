"""The use cases behind `/say` and auto-read: a text is spoken, as one MP3 or in a voice channel, chunk by chunk."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, Protocol

from bot.api.speech import SpeechApi
from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import ApiError, BotError, InvalidApiResponse
from bot.messages import speech as texts
from bot.messages.message import Message
from bot.quotas.ledger import Ledger, Reservation
from bot.request_runner import Amounts, Outcome, RequestEnd, RequestLog, Shows, UseCase
from bot.speech.chunking import get_duration_s, join_to_file, split_text
from bot.speech.inline_speech import has_words, speakable_typed_text
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
class TextToSay:
    """What is to be said, by which voice and model.

    `to_speakable` is `speakable_typed_text` for what a member wants to be said, and `speakable_markdown` for what was
    written to be read.
    """

    text: str
    voice: str
    model: str
    to_speakable: ToSpeakable = speakable_typed_text


@dataclass(frozen=True, slots=True)
class Speech:
    """One file to send, empty for none. `note` says why if it holds only the beginning, else it is None."""

    mp3: bytes
    characters: int
    note: Message | None
    filename: str = FILE_NAME


class SpeechOutput(Protocol):
    """Where speech is sent and heard. The wall between speech and Discord."""

    @property
    def upload_limit(self) -> int:
        """The most bytes that a file may have."""
        ...

    async def enqueue(self, label: Label) -> Utterance | None:
        """Add an utterance to a voice queue, which may take some seconds; return None where no one would hear it.

        Raises:
            BotError: it cannot be heard.
        """
        ...

    async def show(self, speech: Speech, refusal: Message | None) -> None:
        """Show the file and what there is to say about it; `refusal` is why it is not heard."""
        ...


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


@dataclass(frozen=True, slots=True)
class TextToSpeech:
    """What texts are spoken with."""

    speech: SpeechApi
    ledger: Ledger
    pronunciations: Pronunciations
    workers: Workers
    clock: Clock

    def say(self, requester: RequestContext, text: TextToSay, output: SpeechOutput) -> "SayUseCase":
        """Return the request for a file."""
        return SayUseCase(self, requester, text, output)

    def read(
        self, requester: RequestContext, text: TextToSay, enqueue: Callable[[Label], Awaitable[Utterance]]
    ) -> "ReadUseCase":
        """Return the request for speech in a voice channel only; `enqueue` adds it to the channel's queue."""
        return ReadUseCase(self, requester, text, enqueue)


class _SpeechUseCase(UseCase):
    """Speaks one text."""

    def __init__(self, tools: TextToSpeech, requester: RequestContext, text: TextToSay) -> None:
        super().__init__(requester)
        self._tools = tools
        self._text = text
        self._voice = ""
        self._title = ""
        self._chunks: tuple[str, ...] = ()
        self._parts: list[_Part] = []

    async def prepare(self) -> Reservation:
        """Normalize the text, apply the guild's pronunciations, and reserve its characters.

        Raises:
            NoSpeakableText: no word is left of the text.
            TooLongToSpeak: it is more than is read aloud.
            InvalidOption: no voice could be called that.
            QuotaExceeded: a limit on spoken characters would be exceeded.
            StoreUnavailable: the store cannot be used just now.
        """
        self._voice = validate_voice(self._text.voice)
        words = await self._text.to_speakable(self._text.text)
        pronunciation = await self._tools.pronunciations.get_for_guild(self.requester.guild_id)
        spoken = await _apply_pronunciation(words, pronunciation)
        self._title = words[:TITLE_LENGTH]
        self._chunks = tuple(chunk for chunk in split_text(spoken) if has_words(chunk))
        return await self._tools.ledger.reserve(self.requester, {Kind.SPEECH_CHARACTERS: self.characters})

    @property
    def chunks(self) -> tuple[str, ...]:
        """The texts that the API is asked to say, one after the other."""
        return self._chunks

    @property
    def characters(self) -> int:
        """How many characters the API is asked to say."""
        return sum(map(len, self._chunks))

    @property
    def label(self) -> Label:
        """What people see of it in the queue of a voice channel."""
        requester = self.requester
        return Label(requester.user_id, requester.name, self._title, self.characters, channel_id=requester.channel_id)

    @property
    def received(self) -> Amounts:
        """The characters of the chunks that gave audio, whole or in part; none after a gap: no one gets it."""
        characters = _count_received_characters(self._parts)
        return {Kind.SPEECH_CHARACTERS: characters} if characters else {}

    def _record(self, request_log: RequestLog) -> None:
        request_log.record(model=self._text.model, characters=self.characters, chunks=len(self._chunks))

    async def _request_all(self, utterance: Utterance | None) -> None:
        """Request all chunks, as far as they are wanted. `utterance` gets the audio as it comes.

        Once it is dropped, no more is requested, and what is requested already still comes; where it was refused the
        file is complete all the same.
        """
        self._parts = [_Part(chunk, utterance.add_chunk() if utterance else None) for chunk in self._chunks]
        try:
            await self._request_in_order(utterance)
        finally:
            if utterance is not None:
                _end_playback(self._parts)
                utterance.close()

    async def _request_in_order(self, utterance: Utterance | None) -> None:
        """Request the parts, a few at once, until all came, one failed or no one listens; leaves no request running."""
        waiting = deque(self._parts)
        running: deque[tuple[_Part, asyncio.Task[None]]] = deque()
        try:
            while waiting or running:
                if utterance is not None and utterance.dropped and utterance.refusal is None:
                    waiting.clear()
                while waiting and len(running) < MAX_CONCURRENT:
                    part = waiting.popleft()
                    running.append((part, asyncio.create_task(self._request_part(part))))
                if not running:
                    return  # dropped before anything was requested
                part, task = running[0]
                await task
                running.popleft()
                if part.error is not None:
                    return
        finally:
            await cancel_and_wait(*(task for _, task in running))

    async def _request_part(self, part: _Part) -> None:
        """Request one chunk. Audio that cannot be used is dropped, and so costs nothing."""
        try:
            async with aclosing(self._tools.speech.stream(self._text.model, part.text, self._voice)) as chunks:
                async for chunk in chunks:
                    part.feed(chunk)
        except ApiError as error:
            part.error = error
        if part.audio_chunk is not None and part.error is None:
            part.audio_chunk.end()
        if not part.audio:
            part.error = part.error or InvalidApiResponse("speech without a byte")
        else:
            await self._check_audio(part)

    async def _check_audio(self, part: _Part) -> None:
        """Drop what came if it cannot be played, or if it broke off too early."""
        try:
            seconds = await get_duration_s(self._tools.workers, bytes(part.audio), self.requester.user_id)
        except InvalidApiResponse as error:
            part.error = part.error or error
            part.audio.clear()
        else:
            if part.error is not None and seconds < MIN_USABLE_S:
                part.audio.clear()


class SayUseCase(_SpeechUseCase):
    """Sends one text as a file, and has it heard meanwhile."""

    command = "say"

    def __init__(self, tools: TextToSpeech, requester: RequestContext, text: TextToSay, output: SpeechOutput) -> None:
        super().__init__(tools, requester, text)
        self._output = output
        self._utterance: Utterance | None = None
        self._refusal: Message | None = None
        self._speech = Speech(b"", 0, None)

    async def work(self, request_log: RequestLog) -> Outcome:
        """Make one file. When a chunk fails, what came before it is in the file, with a note.

        Raises:
            ApiError: no audio came.
            TooLongToSend: it cannot be made to fit into the upload limit.
        """
        try:
            self._utterance = await self._output.enqueue(self.label)
        except BotError as error:
            logger.info("voice playback refused", extra={"channel": self.requester.channel_id, "detail": str(error)})
            self._refusal = error.message
        self._record(request_log)
        await self._request_all(self._utterance)
        self._speech, outcome = await self._join()
        request_log.record(spent=self._speech.characters, bytes=len(self._speech.mp3))
        return outcome

    async def conclude(self, end: RequestEnd) -> None:
        """Send the file, and say why it was not heard."""
        if end.shows is not Shows.SENTENCE:
            refused = None if self._utterance is None else self._utterance.refusal
            await self._output.show(self._speech, self._refusal if refused is None else refused.message)

    async def _join(self) -> tuple[Speech, Outcome]:
        """Return what came as one file."""
        parts, utterance = self._parts, self._utterance
        playable, error = list(_list_playable(parts)), _find_error(parts)
        if not playable:
            if utterance is not None and utterance.dropped and error is None:
                return Speech(b"", 0, texts.stopped_before_speech()), Outcome.STOPPED
            raise error or InvalidApiResponse("speech without a byte")
        chunks = [bytes(part.audio) for part in playable]
        mp3 = await join_to_file(self._tools.workers, chunks, self._output.upload_limit, self.requester.user_id)
        characters = _count_received_characters(parts)
        if error is not None:
            extra = {"pieces": len(parts), "playable": len(playable), "detail": str(error)}
            logger.warning("speech cut short", extra=extra)
            return Speech(mp3, characters, texts.only_beginning(error.message)), Outcome.CUT
        if len(playable) < len(parts):
            return Speech(mp3, characters, texts.stopped()), Outcome.STOPPED
        return Speech(mp3, characters, None), Outcome.COMPLETE


class ReadUseCase(_SpeechUseCase):
    """Has one text heard in a voice channel, requested when it is about to be played."""

    command = "read"
    takes_slot = False  # it waits in the voice queue

    def __init__(
        self,
        tools: TextToSpeech,
        requester: RequestContext,
        text: TextToSay,
        enqueue: Callable[[Label], Awaitable[Utterance]],
    ) -> None:
        super().__init__(tools, requester, text)
        self._enqueue = enqueue

    async def work(self, request_log: RequestLog) -> Outcome:
        """Wait for its turn, and play it.

        Raises:
            ApiError: no audio came.
        """
        self._record(request_log)
        utterance = await self._enqueue(self.label)
        await utterance.due.wait()
        if not utterance.dropped:
            await self._request_all(utterance)
        if utterance.dropped:
            return Outcome.STOPPED
        if not any(_list_playable(self._parts)):
            raise _find_error(self._parts) or InvalidApiResponse("speech without a byte")
        return Outcome.COMPLETE

    async def conclude(self, end: RequestEnd) -> None:
        """Do nothing: it was heard."""


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


def _count_received_characters(parts: Sequence[_Part]) -> int:
    """Return the number of characters that can be played."""
    return sum(len(part.text) for part in _list_playable(parts))


def _end_playback(parts: Sequence[_Part]) -> None:
    """End what is playable, and drop what would come after a gap."""
    playable = list(_list_playable(parts))
    for part in parts:
        if part.audio_chunk is not None:
            part.audio_chunk.end() if part in playable else part.audio_chunk.drop()
