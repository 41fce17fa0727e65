"""An answer that is said aloud while it is still being written: sentence by sentence, asked for ahead, in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

from bot.api.client import ApiClient
from bot.api.transport import SendStatus
from bot.context import RequestContext
from bot.errors import ApiError, BotError, InvalidApiResponse
from bot.quotas.ledger import Ledger
from bot.quotas.limits import Kind
from bot.speech.chunking import cut, seconds_of
from bot.speech.pronunciations import Pronunciation, Pronunciations
from bot.speech.sentence_stream import SentenceStream
from bot.speech.utterance import AudioChunk, Utterance
from bot.speech.voice_settings import VoiceSettings
from bot.workers.pool import Workers

log = logging.getLogger(__name__)

AT_ONCE: Final = 2
"""SentenceStream asked for together."""

AHEAD: Final = 4
"""SentenceStream asked for and not heard to their end. More would be paid for and perhaps never heard."""


Begin = Callable[[], Awaitable[Utterance | None]]
"""Puts the utterance on a voice channel's line, which may take some seconds; None where nobody would hear it."""


class AnswerSpeaker:
    """Listens to one answer and has it said; the text goes on without waiting for any of it.

        async with recital:
            ... recital.on_text(delta) ...
            recital.on_complete()

    Leaving the block waits until everything was asked for. Where `finish` was not called the answer ended early, and
    the voice falls silent at once. `fault` tells in the end why not all of it was said.

    A sentence costs its characters once there is sound of it, or where people end the answer or its voice after the
    request for it was sent.
    """

    def __init__(
        self,
        api: ApiClient,
        ledger: Ledger,
        requester: RequestContext,
        begin: Begin,
        *,
        voice: str,
        model: str,
        pronunciation: Pronunciation,
        sounds: Workers,
    ) -> None:
        self.fault: BotError | None = None
        self._api = api
        self._ledger = ledger
        self._caller = requester
        self._begin = begin
        self._voice = voice
        self._model = model
        self._pronunciation = pronunciation
        self._sounds = sounds
        self._sentences = SentenceStream()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._utterance: Utterance | None = None
        self._finished = False
        self._given_up = False
        self._broken = False
        self._working: asyncio.Task[None] | None = None

    def on_text(self, text: str) -> None:
        """Take the next piece of the answer; never waits."""
        self._say(self._sentences.feed(text))

    def on_complete(self) -> None:
        """Take note that the answer is complete."""
        self._finished = True
        self._say(self._sentences.finish())
        self._queue.put_nowait(None)

    def on_cancelled(self) -> None:
        """Take note that people ended the answer."""
        self._given_up = True

    async def __aenter__(self) -> Self:
        self._working = asyncio.create_task(self._work(), name="recital")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._working is not None, "leaving without having entered"
        try:
            if self._finished and kind is None:
                await asyncio.wait({self._working})
        finally:
            self._working.cancel()
            await asyncio.wait({self._working})
            if self._utterance is not None and not self._finished:
                self._utterance.drop()
        if not self._working.cancelled():
            self._working.result()

    def _say(self, sentences: list[str]) -> None:
        for sentence in sentences:
            for piece in cut(self._pronunciation.apply(sentence)):
                self._queue.put_nowait(piece)

    async def _work(self) -> None:
        try:
            self._utterance = await self._begin()
            if self._utterance is not None:
                await self._recite(self._utterance)
                self.fault = self._utterance.refused
        except BotError as error:
            log.warning("answer not said to its end", extra={"error": type(error).__name__, "detail": str(error)})
            self.fault = error
        except Exception:
            # The answer's text is there all the same, and nothing else is to go wrong with it.
            log.exception("answer not said to its end")
            self.fault = BotError()
        finally:
            if self._utterance is not None:
                self._utterance.close()

    async def _recite(self, utterance: Utterance) -> None:
        """Ask for one sentence after the other, a few together and no more ahead than makes sense."""
        asking: deque[asyncio.Task[None]] = deque()
        unheard: deque[AudioChunk] = deque()
        await utterance.near.wait()
        try:
            while (sentence := await self._queue.get()) is not None:
                if len(asking) == AT_ONCE:
                    await asking.popleft()
                if len(unheard) == AHEAD:
                    await unheard.popleft().over.wait()
                if utterance.dropped:
                    return
                unheard.append(utterance.piece())
                asking.append(asyncio.create_task(self._ask(sentence, unheard[-1], utterance), name="sentence"))
            while asking:
                await asking.popleft()
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, sentence: str, piece: AudioChunk, utterance: Utterance) -> None:
        """Have one sentence said.

        Raises:
            BotError: it was not, or not to its end.
        """
        characters = {Kind.SPEECH_CHARACTERS: len(sentence)}
        sound = bytearray()
        sending = SendStatus()
        try:
            async with (
                await self._ledger.reserve(self._caller, characters) as reservation,
                aclosing(self._api.speech(self._model, sentence, self._voice, sending)) as chunks,
            ):
                try:
                    async for chunk in chunks:
                        sound += chunk
                        piece.feed(chunk)
                    piece.end()
                    await self._listen(sound)
                except asyncio.CancelledError:
                    ended_by_people = self._given_up or utterance.dropped
                    # Where another sentence broke, this one may give no sound as well.
                    if (sound and not self._broken) or (ended_by_people and (sound or sending.under_way)):
                        reservation.spent(characters)
                    raise
                except ApiError:
                    self._broken = True
                    if await self._is_sound(sound):
                        reservation.spent(characters)
                    raise
                reservation.spent(characters)
        except asyncio.CancelledError:
            piece.drop()  # an earlier sentence failed: nothing is heard after a gap
            raise
        finally:
            piece.end()

    async def _listen(self, sound: bytearray) -> None:
        """Do nothing if there is sound in what came.

        Raises:
            InvalidApiResponse: there is none, and so it costs nothing.
        """
        if not sound:
            raise InvalidApiResponse("speech without a byte")
        await seconds_of(self._sounds, bytes(sound), self._caller.user_id)

    async def _is_sound(self, sound: bytearray) -> bool:
        try:
            await self._listen(sound)
        except InvalidApiResponse:
            return False
        return True


class AnswerSpeakers:
    """Reads answers out."""

    def __init__(self, api: ApiClient, ledger: Ledger, lexicon: Pronunciations, sounds: Workers) -> None:
        self._api = api
        self._ledger = ledger
        self._lexicon = lexicon
        self._sounds = sounds

    async def recital(self, requester: RequestContext, begin: Begin, voice: VoiceSettings, model: str) -> AnswerSpeaker:
        """Prepare to read out one answer to `requester`, once `begin` has found it a place on a line.

        Raises:
            StoreUnavailable: the store cannot be used just now.
        """
        pronunciation = await self._lexicon.pronunciation(requester.guild_id)
        return AnswerSpeaker(
            self._api,
            self._ledger,
            requester,
            begin,
            voice=voice.name,
            model=model,
            pronunciation=pronunciation,
            sounds=self._sounds,
        )
