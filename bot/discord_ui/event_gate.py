"""Admits every command, button, modal and message: each once, none while the bot shuts down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

import discord

from bot.clock import Clock
from bot.discord_ui import error_messages
from bot.discord_ui.interaction_output import set_inflight_request
from bot.errors import ShuttingDown, StoreFull, StoreUnavailable
from bot.inflight.cancellation import InFlightRequest
from bot.inflight.registry import InFlightRegistry
from bot.tasks import BackgroundTasks, cancel_and_wait, wait_for_first

logger = logging.getLogger(__name__)


class Event(Protocol):
    """An event that is answered once, and whose author can be notified that there is no answer."""

    @property
    def id(self) -> int:
        """The idempotency key: the id of an interaction or a message."""
        ...

    def set_inflight_request(self, inflight: InFlightRequest) -> None:
        """Attach the event's row in the registry of requests in flight."""
        ...

    async def tell(self, error: Exception) -> bool:
        """Tell the requester what went wrong; return whether Discord accepted it."""
        ...

    async def tell_unless_answered(self, error: Exception) -> bool:
        """Do as `tell` does, unless there are words of an answer already; return False where there is neither."""
        ...


class InteractionEvent:
    """A command, a button or a modal."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self._interaction = interaction

    @property
    def id(self) -> int:
        """The interaction's id."""
        return self._interaction.id

    def set_inflight_request(self, inflight: InFlightRequest) -> None:
        """Store it in the interaction."""
        set_inflight_request(self._interaction, inflight)

    async def tell(self, error: Exception) -> bool:
        """Show it privately, or in place of "thinking…"."""
        return await error_messages.show(self._interaction, error)

    async def tell_unless_answered(self, error: Exception) -> bool:
        """Do as `tell` does, where nothing but "thinking…" is there."""
        return await error_messages.show_unless_answered(self._interaction, error)


CLAIM_TIMEOUT_S: Final = 2.0
"""How long a claim may take: a refusal still has to be sent within Discord's 3 seconds."""

YIELD_S: Final = 0.4
"""How long an event is left to another process that can answer it better, as when this one shuts down."""

INTERRUPTION_S: Final = 1.5
"""The part of the grace period in which interrupted answers are marked and settled."""

EXPIRES_AFTER: Final = timedelta(seconds=3)
"""An older interaction has expired at Discord: a resumed session repeats what came during an outage."""

IMPLAUSIBLE_AGE: Final = timedelta(hours=1)
"""Discord repeats no interaction after so long: an id that seems older is no evidence of age."""

INTERRUPTION_OVERTIME_S: Final = 1.5
"""How long after the grace period requests in flight are still waited for."""


_Claim = tuple[bool, InFlightRequest | None]
"""Whether this task answers an event, and its row in the registry if the answer can take long."""


@dataclass(frozen=True, slots=True, eq=False)
class _RunningEvent:
    """A running event: its task, and its row in the registry if the answer can take long."""

    task: asyncio.Task[Any]  # Any: whatever it returns is discord.py's
    event: Event
    inflight: InFlightRequest | None


class EventGate:
    """Admits events, tracks their tasks, and interrupts them at shutdown.

    Args:
        hurry: set when running answers are to be interrupted now instead of at the end of the grace.
    """

    def __init__(self, registry: InFlightRegistry, clock: Clock, hurry: asyncio.Event) -> None:
        self._registry = registry
        self._clock = clock
        self._running: set[_RunningEvent] = set()
        self._undecided: set[asyncio.Task[Any]] = set()  # Any: as in `_RunningEvent`
        """The tasks of events that are neither admitted nor refused yet."""
        self._interrupted: set[_RunningEvent] = set()
        self._interruptions = BackgroundTasks()
        self._stopping = False
        self._hurry = hurry

    async def admit(self, interaction: discord.Interaction, *, reads: bool = False) -> bool:
        """Return whether the calling task is the one to answer `interaction`; if so, count it as running from here on.

        An expired interaction is ignored before anything is written. An event that is delivered twice, to this process
        or another on the same database, is admitted once; the duplicate is ignored. Where the event cannot be
        answered, the requester is notified here. One that only `reads` is admitted on a full disk too, where
        no other process could answer it as well.
        """
        if self._is_expired(interaction):
            logger.info("expired interaction ignored", extra={"event": interaction.id})
            return False
        if interaction.type is discord.InteractionType.autocomplete:
            return not self._stopping
        return await self._admit(InteractionEvent(interaction), lambda: self._claim(interaction, reads=reads))

    async def admit_message(self, event: Event, *, application_id: int, channel_id: int, member_id: int) -> bool:
        """Do as `admit` does, for a message in a channel."""

        async def claim() -> _Claim:
            inflight = await self._registry.register(
                event.id, application_id=application_id, token="", channel_id=channel_id, member_id=member_id
            )
            return inflight is not None, inflight

        return await self._admit(event, claim)

    async def yield_to_other_processes(self) -> None:
        """Wait a moment, so that another process can claim an event first."""
        await self._clock.sleep(YIELD_S)

    async def close(self, grace_s: float) -> None:
        """Admit no more events; give running answers `grace_s` seconds, and interrupt those that need longer.

        Interrupted answers are marked within the grace period, as far as Discord responds in time. Events that came
        just before are admitted or refused before this returns: what they need is closed after it.
        """
        self._stopping = True
        interruption_s = min(INTERRUPTION_S, grace_s / 4)
        await self._finish_within(grace_s - interruption_s)
        late = set(self._running)
        if late:
            logger.info("answers interrupted", extra={"answers": len(late)})
            for work in late:
                self._interruptions.start(self._interrupt(work))
        with suppress(TimeoutError):
            async with asyncio.timeout(interruption_s + INTERRUPTION_OVERTIME_S):
                await self._interruptions.drain()
                if self._undecided:
                    await asyncio.wait(set(self._undecided))

    async def _admit(self, event: Event, claim: Callable[[], Awaitable[_Claim]]) -> bool:
        task = _get_event_task()
        self._undecided.add(task)
        try:
            return await self._decide(event, claim)
        finally:
            self._undecided.discard(task)

    async def _decide(self, event: Event, claim: Callable[[], Awaitable[_Claim]]) -> bool:
        if self._stopping:
            await self._reject_shutting_down(event)
            return False
        try:
            async with asyncio.timeout(CLAIM_TIMEOUT_S):
                admitted, inflight = await claim()
        except (TimeoutError, StoreUnavailable) as error:
            unavailable = error if isinstance(error, StoreUnavailable) else StoreUnavailable("no claim in time")
            await event.tell(unavailable)
            return False
        if not admitted:
            logger.info("duplicate event ignored", extra={"event": event.id})
            return False
        self._track_task(event, inflight)
        return True

    def _is_expired(self, interaction: discord.Interaction) -> bool:
        # By either clock, in case one is wrong: a wrong clock must not leave requests unanswered.
        age = min(self._clock.now(), self._clock.discord_now()) - interaction.created_at
        return EXPIRES_AFTER < age < IMPLAUSIBLE_AGE

    async def _claim(self, interaction: discord.Interaction, *, reads: bool) -> _Claim:
        try:
            return await self._claim_in_database(interaction)
        except StoreFull:
            if reads and await self._registry.claim_in_memory(interaction.id):
                return True, None
            raise

    async def _claim_in_database(self, interaction: discord.Interaction) -> _Claim:
        if interaction.channel_id is None:
            return await self._registry.claim(interaction.id), None
        inflight = await self._registry.register(
            interaction.id,
            application_id=interaction.application_id,
            token=interaction.token,
            channel_id=interaction.channel_id,
            member_id=interaction.user.id,
        )
        return inflight is not None, inflight

    def _track_task(self, event: Event, inflight: InFlightRequest | None) -> None:
        task = _get_event_task()
        work = _RunningEvent(task, event, inflight)
        if inflight is not None:
            event.set_inflight_request(inflight)
            inflight.interrupt = lambda: self._interrupt(work)
        self._running.add(work)

        def on_done(_: asyncio.Task[Any]) -> None:
            self._running.discard(work)
            if inflight is not None and work not in self._interrupted:
                inflight.finish()

        task.add_done_callback(on_done)

    async def _reject_shutting_down(self, event: Event) -> None:
        """Tell the requester that the bot is restarting, unless another process answers."""
        await self.yield_to_other_processes()
        try:
            async with asyncio.timeout(CLAIM_TIMEOUT_S):
                if not await self._registry.claim(event.id):
                    return
        except (TimeoutError, StoreUnavailable):
            pass  # the sentence is true either way
        await event.tell(ShuttingDown())

    async def _finish_within(self, seconds: float) -> None:
        """Wait until nothing runs any more, `seconds` have passed, or answers are to be interrupted now."""
        tasks = {*(work.task for work in self._running), *self._undecided}
        if tasks:
            await wait_for_first(asyncio.wait(tasks), self._clock.sleep(seconds), self._hurry.wait())

    async def _interrupt(self, work: _RunningEvent) -> None:
        """Cancel one answer and mark it as interrupted, once."""
        if work in self._interrupted:
            await asyncio.wait({work.task})
            return
        self._interrupted.add(work)
        await cancel_and_wait(work.task)
        is_told = await work.event.tell_unless_answered(ShuttingDown())
        self._interrupted.discard(work)
        # Whom this process could not reach before its end, the next one tells: by the row that is left.
        if work.inflight is not None and (is_told or not self._stopping):
            work.inflight.finish()


def _get_event_task() -> asyncio.Task[Any]:  # Any: as in `_RunningEvent`
    """Return the task of the event that is being handled: discord.py runs each in one of its own."""
    task = asyncio.current_task()
    assert task is not None, "called within an event's task"
    return task
