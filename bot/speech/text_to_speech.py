"""The use case behind `/say`: a text becomes one MP3, asked for in pieces where it is long.

`prepare` looks at everything that needs no network, and is quick; `speak` does the work. Spending has the ledger's
shape: inside the reservation's block, what gave sound is noted as spent, and leaving it gives the rest back.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from bot.api.client import ApiClient
from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import ApiError, InvalidApiResponse
from bot.messages.render import render
from bot.quotas.ledger import Ledger
from bot.quotas.limits import Kind
from bot.quotas.reservation import Reservation
from bot.speech.chunking import cut, one_file, seconds_of
from bot.speech.normalize import has_words, worded
from bot.speech.pronunciations import Pronunciation, Pronunciations
from bot.speech.sentence_stream import MOST_ALOUD, TooLongToSpeak
from bot.speech.utterance import AudioChunk, Label, Utterance
from bot.speech.voice_settings import checked_voice
from bot.telemetry.request_log import RequestLog
from bot.workers.pool import Workers

AT_ONCE: Final = 2  # pieces under way together: the next is there when one ends, and no server sees a crowd
WORTH_HEARING_S: Final = 1.0  # less than this of a piece that broke off is no use to anybody
TITLE: Final = 200  # characters of a text by which people know it in a queue
FILE_NAME: Final = "speech.mp3"
STOPPED: Final = "It was stopped, so this is only the beginning."

_SOME_LINES: Final = re.compile(r".{500,}?(?:\n|\Z)|.+", re.DOTALL)

Wording = Callable[[str], Awaitable[str]]
"""Makes of a text what is said of it; may raise NoSpeakableText and TooLongToSpeak."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PreparedSpeech:
    """What is going to be said, and what is held back for it.

    Enter `reservation` around all that follows, the acknowledgement too, so that a failure there gives it back.
    """

    requester: RequestContext
    title: str
    pieces: tuple[str, ...]
    voice: str
    model: str
    reservation: Reservation

    @property
    def characters(self) -> int:
        """How many characters the API will be asked to say."""
        return sum(map(len, self.pieces))

    @property
    def label(self) -> Label:
        """What people see of it in the queue of a voice channel."""
        requester = self.requester
        return Label(requester.user_id, requester.name, self.title, self.characters, channel_id=requester.channel_id)


@dataclass(frozen=True, slots=True)
class Speech:
    """One file to send. `note` is a plain sentence if it holds only the beginning, else None."""

    mp3: bytes
    characters: int
    note: str | None
    filename: str = FILE_NAME


@dataclass(slots=True)
class _Take:
    """One piece on its way: its sound so far, who hears it meanwhile, and why it ended early if it did."""

    text: str
    aloud: AudioChunk | None = None
    sound: bytearray = field(default_factory=bytearray)
    fault: ApiError | None = None

    def feed(self, data: bytes) -> None:
        self.sound += data
        if self.aloud is not None:
            self.aloud.feed(data)


class TextToSpeech:
    """Says texts aloud."""

    def __init__(self, api: ApiClient, ledger: Ledger, lexicon: Pronunciations, sounds: Workers, clock: Clock) -> None:
        self._api = api
        self._ledger = ledger
        self._lexicon = lexicon
        self._sounds = sounds
        self._clock = clock

    async def prepare(
        self, requester: RequestContext, text: str, voice: str, model: str, *, wording: Wording = worded
    ) -> PreparedSpeech:
        """Word the text, have its words said as the server wants, and reserve its characters. Asks the store only.

        `wording` makes of a text what is said of it: `worded` for what somebody wants to be said, `sentences.aloud`
        for what was written to be read.

        Raises:
            NoSpeakableText: no word is left of the text.
            TooLongToSpeak: it is more than is read aloud.
            InvalidOption: no voice could be called that.
            QuotaExceeded: a limit on characters of speech would be passed.
            StoreUnavailable: the store cannot be used just now.
        """
        voice = checked_voice(voice)
        words = await wording(text)
        pronunciation = await self._lexicon.pronunciation(requester.guild_id)
        pieces = tuple(piece for piece in cut(await _pronounced(words, pronunciation)) if has_words(piece))
        reservation = await self._ledger.reserve(requester, {Kind.SPEECH_CHARACTERS: sum(map(len, pieces))})
        return PreparedSpeech(requester, words[:TITLE], pieces, voice, model, reservation)

    async def speak(self, prepared: PreparedSpeech, upload_limit: int, aloud: Utterance | None = None) -> Speech:
        """Have it said, as one file of at most `upload_limit` bytes. Ends the reservation, whatever happens.

        When a piece fails, what was said before it is still given, with a note. `aloud` gets the sound as it comes;
        once somebody drops that, no more is asked for; where it was refused the file is whole all the same.

        Raises:
            ApiError: nothing was said.
            TooLongToSend: it cannot be made to fit into `upload_limit`.
        """
        with RequestLog("say", prepared.requester, self._clock) as request_log:
            request_log.record(model=prepared.model, characters=prepared.characters, pieces=len(prepared.pieces))
            speech = await self._speak(prepared, upload_limit, aloud)
            request_log.record(spent=speech.characters, bytes=len(speech.mp3))
            if speech.note is not None:
                request_log.set_outcome("cut")
            return speech

    async def speak_aloud(self, prepared: PreparedSpeech, aloud: Utterance) -> None:
        """Have it said in a voice channel only, asked for when it is about to be heard. Ends the reservation.

        Raises:
            ApiError: nothing was said.
        """
        with RequestLog("read", prepared.requester, self._clock) as request_log:
            request_log.record(model=prepared.model, characters=prepared.characters, pieces=len(prepared.pieces))
            async with prepared.reservation:
                await aloud.near.wait()
                if aloud.dropped:
                    return
                takes = await self._taken(prepared, aloud)
            if not any(take.sound for take in takes) and not aloud.dropped:
                raise _fault(takes) or InvalidApiResponse("speech without a byte")

    async def _speak(self, prepared: PreparedSpeech, upload_limit: int, aloud: Utterance | None) -> Speech:
        takes = await self._taken(prepared, aloud)
        heard, fault = list(_beginning(takes)), _fault(takes)
        if not heard:
            if aloud is not None and aloud.dropped and fault is None:
                return Speech(b"", 0, STOPPED)
            raise fault or InvalidApiResponse("speech without a byte")
        if fault is not None:
            logger.warning("speech cut short pieces=%d heard=%d fault=%s", len(takes), len(heard), fault)
        pieces = [bytes(take.sound) for take in heard]
        mp3 = await one_file(self._sounds, pieces, upload_limit, prepared.requester.user_id)
        return Speech(mp3, _characters(takes), _note(fault, whole=len(heard) == len(takes)))

    async def _taken(self, prepared: PreparedSpeech, aloud: Utterance | None) -> list[_Take]:
        """Ask for all pieces, as far as they are wanted, and note what that cost."""
        takes = [_Take(piece, aloud.piece() if aloud else None) for piece in prepared.pieces]
        async with prepared.reservation as reservation:
            try:
                await self._take_in_order(prepared, takes, aloud)
            finally:
                reservation.spent({Kind.SPEECH_CHARACTERS: _characters(takes)})
                if aloud is not None:
                    _end_aloud(takes)
                    aloud.close()
        return takes

    async def _take_in_order(self, prepared: PreparedSpeech, takes: Sequence[_Take], aloud: Utterance | None) -> None:
        """Fill `takes`, a few at once, until all are there, one has failed or nobody listens; leaves none under way."""
        waiting = deque(takes)
        running: deque[tuple[_Take, asyncio.Task[None]]] = deque()
        try:
            while waiting or running:
                if aloud is not None and aloud.dropped and aloud.refused is None:
                    waiting.clear()
                while waiting and len(running) < AT_ONCE:
                    take = waiting.popleft()
                    running.append((take, asyncio.create_task(self._fill(take, prepared))))
                if not running:
                    return  # dropped before anything was asked for
                take, task = running[0]
                await task
                running.popleft()
                if take.fault is not None:
                    return
        finally:
            for _, task in running:
                task.cancel()
            if running:
                await asyncio.wait([task for _, task in running])

    async def _fill(self, take: _Take, prepared: PreparedSpeech) -> None:
        """Ask for one piece. What cannot be used of its sound is dropped, and so is not counted as spent."""
        try:
            async with aclosing(self._api.speech(prepared.model, take.text, prepared.voice)) as chunks:
                async for chunk in chunks:
                    take.feed(chunk)
        except ApiError as error:
            take.fault = error
        if take.aloud is not None and take.fault is None:
            take.aloud.end()
        if not take.sound:
            take.fault = take.fault or InvalidApiResponse("speech without a byte")
        else:
            await self._listen(take, prepared.requester)

    async def _listen(self, take: _Take, requester: RequestContext) -> None:
        """Look whether there is sound in what came, and if it broke off, enough of it."""
        try:
            seconds = await seconds_of(self._sounds, bytes(take.sound), requester.user_id)
        except asyncio.CancelledError:
            take.sound.clear()  # an earlier piece failed, or the bot stops: this one is not used, and perhaps no sound
            raise
        except InvalidApiResponse as error:
            take.fault = take.fault or error
            take.sound.clear()
        else:
            if take.fault is not None and seconds < WORTH_HEARING_S:
                take.sound.clear()


async def _pronounced(text: str, pronunciation: Pronunciation) -> str:
    """Have the words of a text said as the server wants, a few lines or a part of a long one at a time.

    Raises:
        TooLongToSpeak: that makes it more than is read aloud.
    """
    said: list[str] = []
    characters = 0
    for lines in _SOME_LINES.findall(text):
        for part in pronunciation.parts(lines):
            said.append(part)
            characters += len(part)
            if characters > MOST_ALOUD:
                raise TooLongToSpeak(f"more than {MOST_ALOUD} characters as this server has them said")
            await asyncio.sleep(0)
    return "".join(said)


def _beginning(takes: Sequence[_Take]) -> Iterator[_Take]:
    """Give what can be played without a gap: up to the first piece that failed, and what there is of that one."""
    for take in takes:
        if take.sound:
            yield take
        if take.fault is not None or not take.sound:
            return


def _fault(takes: Sequence[_Take]) -> ApiError | None:
    return next((take.fault for take in takes if take.fault is not None), None)


def _characters(takes: Sequence[_Take]) -> int:
    """Count what was paid for."""
    return sum(len(take.text) for take in takes if take.sound)


def _end_aloud(takes: Sequence[_Take]) -> None:
    """Let what belongs to the beginning be heard to its end, and nothing that would come after a gap."""
    heard = list(_beginning(takes))
    for take in takes:
        if take.aloud is not None:
            take.aloud.end() if take in heard else take.aloud.drop()


def _note(fault: ApiError | None, *, whole: bool) -> str | None:
    if fault is not None:
        return f"I could only say the beginning. {render(fault.message)}"
    return None if whole else STOPPED
