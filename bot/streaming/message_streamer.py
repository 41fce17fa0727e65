"""Shows an answer in messages while it streams: one writer, one request at a time, always the newest text."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from bot.clock import Clock, backoff_s
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.streaming.output import NO_BUTTONS, AnswerButtons, AnswerObserver, AnswerOutput, OutputDeleted, RateLimitBucket
from bot.streaming.pages import FILE_NAME, PROGRESS_MARKER, Page, Pages
from bot.tasks import run_to_end, sleep_unless

logger = logging.getLogger(__name__)

MIN_INTERVAL_S: Final = 1.0
"""Seconds from one edit's start to the next: faster is not readable, and the tightest buckets seen allow about that."""

DURATION_FACTOR: Final = 2.0
"""Wait 2t from the start of an edit that took t seconds, so that edits use at most half the time and back off when
Discord is slow."""

MAX_PAUSE_S: Final = 10.0
"""The longest pause after an edit has ended, however slow it was or however often it failed."""

RESERVED_REQUESTS: Final = 1
"""Requests that stay in the bucket for the final edit."""


ROUNDING_S: Final = 0.001
"""A shorter pause is what rounding leaves of one that is over."""


class Pacer:
    """Paces the edits of one answer by the time they take and by the requests that remain in their bucket."""

    def __init__(self, min_interval_s: float = MIN_INTERVAL_S) -> None:
        self._min_interval_s = min_interval_s
        self._started: float | None = None
        self._ended = 0.0
        self._failures = 0

    def edit_started(self, now: float) -> None:
        """Record that an edit starts at `now`, in seconds of a monotonic clock."""
        self._started = now

    def edit_ended(self, now: float, *, applied: bool) -> None:
        """Record that the edit ended at `now`, and whether it was applied."""
        self._ended = now
        self._failures = 0 if applied else self._failures + 1

    def pause_s(self, now: float, bucket: RateLimitBucket) -> float:
        """Return how many seconds to wait before the next edit may start; 0 for none."""
        pause_s = max(self._interval_pause_s(now), self._bucket_pause_s(now, bucket))
        return pause_s if pause_s >= ROUNDING_S else 0.0

    def _interval_pause_s(self, now: float) -> float:
        if self._started is None:
            return 0.0  # the first text as soon as it arrives
        took_s = self._ended - self._started
        interval_s = max(self._min_interval_s, DURATION_FACTOR * took_s) * 2.0**self._failures
        return min(self._started + interval_s, self._ended + MAX_PAUSE_S) - now

    def _bucket_pause_s(self, now: float, bucket: RateLimitBucket) -> float:
        """Return a pause that spreads the remaining requests over the time until the reset: no bursts of edits."""
        remaining, reset_after_s = bucket.remaining(), bucket.reset_after_s()
        if remaining is None:
            return 0.0
        spare = remaining - RESERVED_REQUESTS
        if spare <= 0:
            return reset_after_s
        if self._started is None:
            return 0.0
        # Wait until the time since the last edit is a fair share of what then remains: e + w = (r - w) / spare.
        since = now - self._started
        return min(reset_after_s, (reset_after_s - spare * since) / (spare + 1))


_RETRIES_S: Final = [backoff_s(failures, first_s=1.0) for failures in (1, 2, 3)]
"""Seconds before each further attempt at a final edit. discord.py itself tries five times within each one."""


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer that is shown completely; `first_text_at` is in seconds of a monotonic clock."""

    text: str
    message_count: int
    first_text_at: float | None


class MessageStreamer:
    """Shows one answer while it streams.

        async with MessageStreamer(output, clock) as streamer:
            async for delta in stream:
                streamer.feed(delta)  # or streamer.on_reasoning(), for a delta of reasoning
            answer = await streamer.finish()

    Whatever ends the block, the text so far is shown completely and without the progress marker before the block is
    left. To put a sentence below an answer that was cut or failed, catch the error within the block and call
    `finish(notes=...)`. An answer of nothing but white space is never shown: when `has_text` is false, show something
    else. When its messages have been deleted, `discard` it.

    `buttons` are below the answer until it is finished.
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
        self._shown: list[Page | None] = []  # what each message shows; None when an edit's fate is unknown
        self._first_text_at: float | None = None
        self._has_text = False
        self._is_reasoning = False
        self._shows_thinking = False
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._notes: Sequence[Message] = ()
        self._final_buttons = NO_BUTTONS
        self._discarded = False
        self._final: list[Page] | None = None
        self._writer: asyncio.Task[None] | None = None

    @property
    def has_text(self) -> bool:
        """Return whether the answer has more than white space."""
        return self._has_text

    @property
    def text(self) -> str:
        """The answer so far, as the model sent it."""
        return self._pages.text

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_loop(), name="message streamer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ended.is_set():
            return
        try:
            await self.finish()
        except Exception as failure:
            # An error that ended the block is raised on; then this one, of any class, is only logged.
            if error is None:
                raise
            logger.warning("answer left unfinished", extra={"error": type(failure).__name__})

    def feed(self, text: str) -> None:
        """Add the next delta of the answer; never waits.

        Raises:
            RuntimeError: the answer is finished.
        """
        if self._ended.is_set():
            raise RuntimeError("the answer is finished")
        self._pages.add(text)
        if self._observer is not None:
            self._observer.on_text(text)
        self._has_text = self._has_text or bool(text.strip())
        self._changed.set()

    def on_reasoning(self) -> None:
        """Show that the model is reasoning until there is text; never waits."""
        if not self._is_reasoning:
            self._is_reasoning = True
            self._changed.set()

    async def finish(self, notes: Sequence[Message] = (), buttons: AnswerButtons = NO_BUTTONS) -> StreamedAnswer:
        """Show the whole answer, with `notes` and `buttons` below it, and return once that is done.

        A request in flight is waited for, never cancelled: an interrupted interaction edit can block all later ones
        (discord.py's lock per token). So a cancellation of the caller takes effect when the answer is shown.

        Raises:
            Exception: what the output raised at the last of several attempts at a final edit.
        """
        self._end(notes, buttons)
        assert self._writer is not None, "used outside of its block"
        await run_to_end(self._writer)
        return StreamedAnswer(self._pages.text, len(self._shown), self._first_text_at)

    async def discard(self) -> None:
        """Send no more of an answer that was deleted; remove the progress marker from messages that are left of it."""
        self._discarded = True
        self._end((), NO_BUTTONS)
        assert self._writer is not None, "used outside of its block"
        await run_to_end(self._writer)

    def _end(self, notes: Sequence[Message], buttons: AnswerButtons) -> None:
        if not self._ended.is_set():
            self._notes, self._final_buttons = notes, buttons
            self._ended.set()
            self._changed.set()

    async def _write_loop(self) -> None:
        """Show the newest text when the pacer allows it, and everything once the answer has ended."""
        while not self._ended.is_set() and not self._discarded:
            self._changed.clear()
            edit = self._next_edit(self._pages.build_preview())
            if edit is None and (not self._is_reasoning or self._shows_thinking or self._shown):
                await self._changed.wait()
            elif (pause_s := self._pacer.pause_s(self._clock.monotonic(), self._output.bucket)) > 0:
                await sleep_unless(self._clock, self._ended, pause_s)
            elif edit is None:
                await self._show_thinking()
            else:
                await self._edit_when_allowed(edit[0])
        while not self._discarded and (edit := self._next_edit(await self._build_pages())) is not None:
            await self._edit_with_retries(*edit)
        if self._discarded:
            await self._remove_progress_marker()

    async def _build_pages(self) -> list[Page]:
        """Return what the messages should show by now; once the answer has ended, mark the output as final."""
        if not self._ended.is_set():
            return self._pages.build_preview()
        if self._final is None:
            self._final = self._pages.build_final(self._notes, self._final_buttons)
            if self._next_edit(self._final) is not None:
                await self._output.mark_final(len(self._final))
        return self._final

    async def _edit_when_allowed(self, index: int) -> None:
        """Wait for a slot to edit message `index`, then show the text that is newest by then."""
        async with self._output.edit_slot(index, self._ended):
            edit = self._next_edit(await self._build_pages())
            if edit is not None and edit[0] == index and not self._discarded:
                await self._try_edit(*edit)

    async def _show_thinking(self) -> None:
        """Show once that the model is reasoning. The pacer doesn't count it, so the first text need not wait for it."""
        self._shows_thinking = True
        try:
            await self._output.show_status(texts.thinking(), self._buttons)
        except Exception as error:
            # As for any edit before the last (see `_try_edit`); this one isn't needed, so it is not tried again.
            logger.warning("thinking status not shown", extra={"error": type(error).__name__})

    def _next_edit(self, pages: list[Page]) -> tuple[int, Page] | None:
        """Return the first message that doesn't show what it should, and its page; None if all do."""
        for index, page in enumerate(pages):
            if index == len(self._shown) or self._shown[index] != page:
                return index, page
        return None

    async def _edit_with_retries(self, index: int, page: Page) -> None:
        """Make a final edit; the last attempt raises its error."""
        for seconds in _RETRIES_S:
            async with self._output.edit_slot(index, self._ended):
                if self._discarded or await self._try_edit(index, page):
                    return
            await self._clock.sleep(seconds)
        async with self._output.edit_slot(index, self._ended):
            if not self._discarded:
                await self._edit(index, page)

    async def _remove_progress_marker(self) -> None:
        """Edit the marker out of the messages that are left of a deleted answer: no more text is coming."""
        for index, page in enumerate(self._shown):
            if page is not None and page.text.endswith(PROGRESS_MARKER):
                async with self._output.edit_slot(index, self._ended):
                    await self._try_edit(index, Page(page.text.removesuffix(PROGRESS_MARKER)))

    async def _try_edit(self, index: int, page: Page) -> bool:
        """Make an edit and return whether it is done with; log an error."""
        try:
            await self._edit(index, page)
        except Exception as error:
            # Whatever the output raises, the answer goes on: a later edit brings the newest text. The error's text may
            # hold the interaction's token, so only its type is logged.
            logger.warning("message not updated", extra={"index": index, "error": type(error).__name__})
            return False
        return True

    async def _edit(self, index: int, page: Page) -> None:
        """Make an edit and record what the message shows now, or that the answer was deleted."""
        if index < len(self._shown):
            self._shown[index] = None
        applied = False
        started = self._clock.monotonic()
        self._pacer.edit_started(started)
        try:
            if page.file is None:
                await self._output.show(index, page.text, page.buttons)
            else:
                await self._output.attach(index, page.text, FILE_NAME, page.file, page.buttons)
            applied = True
        except OutputDeleted:
            self._discarded = True
            return
        finally:
            self._pacer.edit_ended(self._responded_at(started), applied=applied)
        self._shown[index:] = [page, *self._shown[index + 1 :]]
        if self._first_text_at is None:
            self._first_text_at = self._clock.monotonic()

    def _responded_at(self, started: float) -> float:
        """Return when a request ended: at its response, since the call may wait on for its bucket to be reset."""
        at = self._output.bucket.responded_at
        return self._clock.monotonic() if at is None or at < started else at
