"""Brings an answer from the stream onto its surface: one writer, one request at a time, always the newest text."""

import asyncio
import logging
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from bot.clock import Clock
from bot.streaming.output import NO_BUTTONS, AnswerButtons, AnswerObserver, AnswerOutput, OutputDeleted
from bot.streaming.pacer import Pacer
from bot.streaming.pages import FILE_NAME, PROGRESS_MARKER, Page, Pages

logger = logging.getLogger(__name__)

THINKING: Final = "-# 💭 Thinking …"
"""Stands where the answer will be, while the model thinks before its first word."""

_RETRIES_S: Final = (1.0, 2.0, 4.0)
"""Seconds before each further attempt at a last edit. discord.py has tried five times by itself within each one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of an answer: all its text, its messages, and when the first word showed (seconds, monotonic)."""

    text: str
    messages: int
    first_word_at: float | None


class MessageStreamer:
    """Shows one answer while it is written.

        async with MessageStreamer(surface, clock) as streamer:
            async for delta in stream:
                streamer.feed(delta)  # or streamer.thinking(), where there are no words yet
            shown = await streamer.finish()

    Whatever ends the block, the text so far is shown completely and without a sign of life before it is left. To have
    a sentence stand below an answer that was cut or failed, catch what ended it within the block and call
    `finish(note=...)`. Nothing is ever shown of an answer without a word: when `has_words` is false, say something
    else. Where people have deleted it meanwhile, `abandon` it.

    `buttons` stand under it while it is being written.
    """

    def __init__(
        self,
        output: AnswerOutput,
        clock: Clock,
        observer: AnswerObserver | None = None,
        *,
        buttons: AnswerButtons = NO_BUTTONS,
    ) -> None:
        self._output = output
        self._observer = observer
        self._clock = clock
        self._buttons = buttons
        self._pages = Pages(buttons=buttons)
        self._pacer = Pacer()
        self._showing: list[Page | None] = []  # what each message shows; None when an edit's fate is unknown
        self._first_word_at: float | None = None
        self._has_words = False
        self._thinks = False
        self._says_thinking = False
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._note: str | None = None
        self._final_buttons = NO_BUTTONS
        self._abandoned = False
        self._final: list[Page] | None = None
        self._writer: asyncio.Task[None] | None = None

    @property
    def has_words(self) -> bool:
        """Whether anything but white space was fed."""
        return self._has_words

    @property
    def text(self) -> str:
        """All that was fed, as it came."""
        return self._pages.text

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write(), name="message streamer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ended.is_set():
            return
        try:
            await self.finish()
        except Exception as trouble:
            if error is None:
                raise
            # What ended the block matters more and goes on; this is only told.
            logger.warning("An answer was left unfinished: %s", type(trouble).__name__)

    def feed(self, text: str) -> None:
        """Take the next piece of the answer; never waits."""
        if self._ended.is_set():
            raise RuntimeError("the answer is finished")
        self._pages.add(text)
        if self._observer is not None:
            self._observer.on_text(text)
        self._has_words = self._has_words or bool(text.strip())
        self._news.set()

    def thinking(self) -> None:
        """Take note that the model thinks: a line says so until there is a word. Never waits."""
        if not self._thinks:
            self._thinks = True
            self._news.set()

    async def finish(self, note: str | None = None, buttons: AnswerButtons = NO_BUTTONS) -> Shown:
        """Show the whole answer, with `note` and `buttons` below it, and return once it is there.

        A request in flight is waited for, never cancelled: an interrupted interaction edit can block all later ones
        (discord.py's lock per token). So a cancellation of the caller takes effect when the answer is shown.

        Raises:
            Exception: what the surface raised when it would not take the last text after several attempts.
        """
        self._end(note, buttons)
        assert self._writer is not None, "used outside of its block"
        await _outlast(self._writer)
        return Shown(self._pages.text, len(self._showing), self._first_word_at)

    async def abandon(self) -> None:
        """Let go of an answer that people have deleted: send nothing more; what is left of it stops looking alive."""
        self._abandoned = True
        self._end(None, NO_BUTTONS)
        assert self._writer is not None, "used outside of its block"
        await _outlast(self._writer)

    def _end(self, note: str | None, buttons: AnswerButtons) -> None:
        if not self._ended.is_set():
            self._note, self._final_buttons = note, buttons
            self._ended.set()
            self._news.set()

    async def _write(self) -> None:
        """Show the newest text at the pacer's times, and the whole when it is there."""
        while not self._ended.is_set() and not self._abandoned:
            self._news.clear()
            due = self._due(self._pages.so_far())
            if due is None and (not self._thinks or self._says_thinking or self._showing):
                await self._news.wait()
            elif (pause := self._pacer.pause(self._clock.monotonic(), self._output.bucket)) > 0:
                await self._rest(pause)
            elif due is None:
                await self._say_thinking()
            else:
                await self._in_turn(due[0])
        while not self._abandoned and (due := self._due(await self._newest())) is not None:
            await self._insist(*due)
        if self._abandoned:
            await self._still()

    async def _newest(self) -> list[Page]:
        """Tell what the messages should show by now; at the end of the answer that is final, and noted as such."""
        if not self._ended.is_set():
            return self._pages.so_far()
        if self._final is None:
            self._final = self._pages.finished(self._note, self._final_buttons)
            if self._due(self._final) is not None:
                await self._output.mark_final(len(self._final))
        return self._final

    async def _in_turn(self, index: int) -> None:
        """Wait for the surface to have time for message `index`, and bring it the text that is the newest by then."""
        async with self._output.edit_slot(index, self._ended):
            due = self._due(await self._newest())
            if due is not None and due[0] == index and not self._abandoned:
                await self._try(*due)

    async def _say_thinking(self) -> None:
        """Say once that the model thinks. It is no edit to the pacer: the first words need not wait after it."""
        self._says_thinking = True
        try:
            await self._output.show_status(THINKING, self._buttons)
        except Exception as error:
            # As for any edit on the way (see `_try`); and this one nobody misses, so it is not made again.
            logger.warning("It was not said that the model thinks: %s", type(error).__name__)

    def _due(self, pages: list[Page]) -> tuple[int, Page] | None:
        """Find the first message that does not show what it should."""
        for index, page in enumerate(pages):
            if index == len(self._showing) or self._showing[index] != page:
                return index, page
        return None

    async def _rest(self, seconds: float) -> None:
        """Wait for `seconds`, or less when the answer ends."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._ended.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _insist(self, index: int, page: Page) -> None:
        """Make a last edit, again if need be."""
        for seconds in _RETRIES_S:
            async with self._output.edit_slot(index, self._ended):
                if self._abandoned or await self._try(index, page):
                    return
            await self._clock.sleep(seconds)
        async with self._output.edit_slot(index, self._ended):
            if not self._abandoned:
                await self._put(index, page)

    async def _still(self) -> None:
        """See that nothing that is left of a deleted answer says that more is coming."""
        for index, page in enumerate(self._showing):
            if page is not None and page.text.endswith(PROGRESS_MARKER):
                async with self._output.edit_slot(index, self._ended):
                    await self._try(index, Page(page.text.removesuffix(PROGRESS_MARKER)))

    async def _try(self, index: int, page: Page) -> bool:
        """Make an edit; tell whether no more needs to be done for it."""
        try:
            await self._put(index, page)
        except Exception as error:
            # Whatever it is that the far side raises, the answer goes on: a later edit brings the newest text. Its
            # words may hold the interaction's token, so only its kind is told.
            logger.warning("Message %d of an answer was not updated: %s", index, type(error).__name__)
            return False
        return True

    async def _put(self, index: int, page: Page) -> None:
        """Make an edit, and remember what the message shows now, or that there is none any more."""
        if index < len(self._showing):
            self._showing[index] = None
        applied = False
        started = self._clock.monotonic()
        self._pacer.start(started)
        try:
            if page.file is None:
                await self._output.show(index, page.text, page.buttons)
            else:
                await self._output.attach(index, page.text, FILE_NAME, page.file, page.buttons)
            applied = True
        except OutputDeleted:
            self._abandoned = True
            return
        finally:
            self._pacer.end(self._answered(started), applied=applied)
        self._showing[index:] = [page, *self._showing[index + 1 :]]
        if self._first_word_at is None:
            self._first_word_at = self._clock.monotonic()

    def _answered(self, started: float) -> float:
        """Tell when a request was over: by its answer, where the call then waited on for the bucket to refill."""
        at = self._output.bucket.responded_at
        return self._clock.monotonic() if at is None or at < started else at


async def _outlast(task: asyncio.Task[None]) -> None:
    """Wait for `task` to its end even when cancelled meanwhile; then pass on the cancellation, else its error."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        trouble = None if task.cancelled() else task.exception()
        if trouble is not None:
            logger.warning("An answer was left unfinished: %s", type(trouble).__name__)
        raise cancelled
    task.result()
