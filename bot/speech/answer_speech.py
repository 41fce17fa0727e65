"""An answer that is said aloud while it is still being written: sentence by sentence, requested ahead, in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

from bot.api.speech import SpeechApi
from bot.api.transport import SendStatus
from bot.context import RequestContext
from bot.errors import ApiError, BotError, InvalidApiResponse
from bot.quotas.ledger import Ledger
from bot.speech.chunking import get_duration_s, split_text
from bot.speech.pronunciations import Pronunciation, Pronunciations
from bot.speech.sentence_stream import SentenceStream
from bot.speech.utterance import AudioChunk, Utterance
from bot.speech.voice_settings import VoiceSettings
from bot.store.quota_limits import Kind
from bot.tasks import cancel_and_wait
from bot.workers.pool import Workers

logger = logging.getLogger(__name__)

MAX_CONCURRENT: Final = 2
"""Sentences requested at the same time."""

MAX_UNPLAYED: Final = 4
"""Sentences requested and not played to their end. More would be paid for and perhaps never heard."""
StartUtterance = Callable[[], Awaitable[Utterance | None]]
"""Adds the utterance to a voice queue, which may take some seconds; returns None where no one would hear it."""


class AnswerSpeaker:
    """Observes one answer and has it said; the answer's text never waits for it.

        async with speaker:
            ... speaker.on_text(delta) ...
            speaker.on_complete()

    Leaving the block waits until everything was requested. Where `on_complete` was not called the answer ended early,
    and the voice stops at once. In the end `error` is why not all of it was said.

    A sentence costs its characters once there is audio of it, or where people end the answer or its voice after the
    request for it was sent.
    """

    def __init__(
        self,
        speech: SpeechApi,
        ledger: Ledger,
        requester: RequestContext,
        start_utterance: StartUtterance,
        *,
        voice: str,
        model: str,
        pronunciation: Pronunciation,
        workers: Workers,
    ) -> None:
        self.error: BotError | None = None
        self._speech = speech
        self._ledger = ledger
        self._requester = requester
        self._start_utterance = start_utterance
        self._voice = voice
        self._model = model
        self._pronunciation = pronunciation
        self._workers = workers
        self._sentences = SentenceStream()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._utterance: Utterance | None = None
        self._is_finished = False
        self._is_given_up = False
        self._has_failed = False
        self._task: asyncio.Task[None] | None = None

    def on_text(self, text: str) -> None:
        """Add the next delta of the answer; never waits."""
        self._enqueue(self._sentences.feed(text))

    def on_complete(self) -> None:
        """Mark that the answer is complete."""
        self._is_finished = True
        self._enqueue(self._sentences.finish())
        self._queue.put_nowait(None)

    def on_cancelled(self) -> None:
        """Mark that people ended the answer."""
        self._is_given_up = True

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._work(), name="answer speech")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._task is not None, "leaving without having entered"
        try:
            if self._is_finished and kind is None:
                await asyncio.wait({self._task})
        finally:
            await cancel_and_wait(self._task)
            if self._utterance is not None and not self._is_finished:
                self._utterance.drop()
        if not self._task.cancelled():
            self._task.result()

    def _enqueue(self, sentences: list[str]) -> None:
        for sentence in sentences:
            for chunk in split_text(self._pronunciation.apply(sentence)):
                self._queue.put_nowait(chunk)

    async def _work(self) -> None:
        try:
            self._utterance = await self._start_utterance()
            if self._utterance is not None:
                await self._speak_sentences(self._utterance)
                self.error = self._utterance.refusal
        except BotError as error:
            logger.warning("answer speech failed", extra={"error": type(error).__name__, "detail": str(error)})
            self.error = error
        except Exception:
            # The answer's text has to reach its readers all the same.
            logger.exception("answer speech failed")
            self.error = BotError()
        finally:
            if self._utterance is not None:
                self._utterance.close()

    async def _speak_sentences(self, utterance: Utterance) -> None:
        """Request one sentence after the other, a few at once and no more ahead than makes sense."""
        requests: deque[asyncio.Task[None]] = deque()
        unplayed: deque[AudioChunk] = deque()
        await utterance.due.wait()
        try:
            while (sentence := await self._queue.get()) is not None:
                if len(requests) == MAX_CONCURRENT:
                    await requests.popleft()
                if len(unplayed) == MAX_UNPLAYED:
                    await unplayed.popleft().done()
                if utterance.dropped:
                    return
                unplayed.append(utterance.add_chunk())
                requests.append(
                    asyncio.create_task(self._request_sentence(sentence, unplayed[-1], utterance), name="sentence")
                )
            while requests:
                await requests.popleft()
        finally:
            await cancel_and_wait(*requests)
            for chunk in unplayed:
                if not chunk.is_complete:
                    chunk.drop()  # its request was cancelled before it had begun, and can't have ended it

    async def _request_sentence(self, sentence: str, audio_chunk: AudioChunk, utterance: Utterance) -> None:
        """Request the audio of one sentence.

        Raises:
            BotError: it did not come, or not to its end.
        """
        characters = {Kind.SPEECH_CHARACTERS: len(sentence)}
        audio = bytearray()
        send_status = SendStatus()
        try:
            async with (
                await self._ledger.reserve(self._requester, characters) as reservation,
                aclosing(self._speech.stream(self._model, sentence, self._voice, send_status)) as chunks,
            ):
                try:
                    async for chunk in chunks:
                        audio += chunk
                        audio_chunk.feed(chunk)
                    audio_chunk.end()
                    await self._check_audio(audio)
                except asyncio.CancelledError:
                    was_cancelled = self._is_given_up or utterance.dropped
                    # Where another sentence failed, this one may give no audio as well.
                    if (audio and not self._has_failed) or (was_cancelled and (audio or send_status.may_be_billed)):
                        reservation.set_spent(characters)
                    raise
                except ApiError:
                    self._has_failed = True
                    if await self._has_audio(audio):
                        reservation.set_spent(characters)
                    raise
                reservation.set_spent(characters)
        except asyncio.CancelledError:
            audio_chunk.drop()  # an earlier sentence failed: nothing is heard after a gap
            raise
        finally:
            audio_chunk.end()

    async def _check_audio(self, audio: bytearray) -> None:
        """Check that `audio` can be played.

        Raises:
            InvalidApiResponse: it cannot, and so it costs nothing.
        """
        if not audio:
            raise InvalidApiResponse("speech without a byte")
        await get_duration_s(self._workers, bytes(audio), self._requester.user_id)

    async def _has_audio(self, audio: bytearray) -> bool:
        try:
            await self._check_audio(audio)
        except InvalidApiResponse:
            return False
        return True


class AnswerSpeakers:
    """Builds the speakers of answers."""

    def __init__(self, speech: SpeechApi, ledger: Ledger, pronunciations: Pronunciations, workers: Workers) -> None:
        self._speech = speech
        self._ledger = ledger
        self._pronunciations = pronunciations
        self._workers = workers

    async def build(
        self, requester: RequestContext, start_utterance: StartUtterance, voice: VoiceSettings, model: str
    ) -> AnswerSpeaker:
        """Build the speaker of one answer to `requester`; it calls `start_utterance` when it is entered.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        pronunciation = await self._pronunciations.get_for_guild(requester.guild_id)
        return AnswerSpeaker(
            self._speech,
            self._ledger,
            requester,
            start_utterance,
            voice=voice.name,
            model=model,
            pronunciation=pronunciation,
            workers=self._workers,
        )
