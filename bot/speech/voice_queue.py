"""What is to be said in one guild: one utterance at a time, in order, fair between members, and bounded."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.errors import UserError, VoiceLost
from bot.messages import speech, voice
from bot.speech.utterance import Label, Speaker, Utterance
from bot.tasks import cancel_and_wait

MAX_WAITING: Final = 20
"""Utterances that may wait behind the one that is being said."""

logger = logging.getLogger(__name__)


class ListenersNotAllowed(UserError):
    """A listener may not read what would be said, or that cannot be found out."""

    message = speech.listeners_not_allowed()


class VoiceQueueFull(UserError):
    """Too many utterances wait in the guild's queue."""

    message = voice.queue_full(MAX_WAITING)


class NotYourUtterance(UserError):
    """A member wants to skip another member's utterance."""

    def __init__(self, member: str) -> None:
        super().__init__("another member's utterance", message=voice.not_your_utterance(member))


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An entry of the queue as people see it; `remaining_s`: about how many seconds are still to come, if known."""

    label: Label
    remaining_s: float | None


class VoiceQueue:
    """The queue of one guild. `close` it when the bot leaves the voice channel.

    Fair: the member who was served least recently is next; the utterances of one member stay in their order.
    """

    def __init__(self, speaker: Speaker, pool: WorkerPool, clock: Clock) -> None:
        self._speaker = speaker
        self._pool = pool
        self._clock = clock
        self._playing: list[Utterance] = []  # what is being said, and what follows it in the stream already
        self._waiting: list[Utterance] = []  # in the order in which they came
        self._served: list[int] = []  # owner ids, the one served last at the end
        self._change = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._idle_since = clock.monotonic()

    @property
    def idle_s(self) -> float:
        """For how many seconds nothing has been said and nothing has waited; 0 while something does."""
        return self._clock.monotonic() - self._idle_since if self._task is None else 0.0

    def check_capacity(self) -> None:
        """Check that one more utterance may wait.

        Raises:
            VoiceQueueFull: it may not.
        """
        if self._closed or len(self._list_in_order()) > MAX_WAITING:
            raise VoiceQueueFull

    def add(self, utterance: Utterance) -> int:
        """Add `utterance` to the queue, and return how many will be said before it.

        Raises:
            VoiceQueueFull: too many wait already.
        """
        self.check_capacity()
        self._waiting.append(utterance)
        utterance.changed = self._change
        self._on_change()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="voice queue")
        return self._list_in_order().index(utterance)

    def list_items(self) -> list[QueueItem]:
        """Return what is being said and what waits, in order."""
        return [QueueItem(each.label, each.remaining_s) for each in self._list_in_order()]

    def skip(self, member_id: int, *, as_moderator: bool) -> Label | None:
        """Skip what is being said; return its label, None where nothing is said.

        Args:
            member_id: who wants to skip it.
            as_moderator: whether they may skip what others requested.

        Raises:
            NotYourUtterance: it is another member's, and they may not.
        """
        current = next(iter(self._list_in_order()), None)
        if current is None:
            return None
        if current.label.member_id != member_id and not as_moderator:
            raise NotYourUtterance(current.label.member)
        self._drop([current])
        return current.label

    def stop(self, member_id: int, *, as_moderator: bool) -> int:
        """Drop all utterances of this member, `as_moderator` of all members; return how many were dropped."""
        dropped = [each for each in self._list_in_order() if as_moderator or each.label.member_id == member_id]
        self._drop(dropped)
        return len(dropped)

    def recheck(self) -> None:
        """Drop what is being said if a listener may not hear it. What waits is checked when its turn comes."""
        for utterance in [each for each in self._playing if each.permit is not None and not each.permit.is_granted()]:
            logger.info("utterance revoked", extra={"user": utterance.label.member_id})
            utterance.refuse(ListenersNotAllowed())
        self._on_change()

    async def close(self) -> None:
        """Drop everything, and accept nothing more."""
        self._closed = True
        self._drop(self._list_in_order())
        if self._task is not None:
            await cancel_and_wait(self._task)

    def _list_in_order(self) -> list[Utterance]:
        return [*(each for each in self._playing if not each.finished), *fair_order(self._waiting, self._served)]

    def _drop(self, utterances: list[Utterance]) -> None:
        self._waiting = [each for each in self._waiting if each not in utterances]
        for utterance in utterances:
            utterance.drop()
        self._on_change()

    def _on_change(self) -> None:
        """Have the audio of what comes next requested, so that it has come when it is needed."""
        for utterance in fair_order(self._waiting, self._served)[:1]:
            utterance.due.set()
        self._change.set()

    async def _start_next(self, stream: OpusStream) -> Utterance | None:
        """Start the next utterance that may be heard now in `stream`, and return it; None where nothing waits."""
        while (utterance := self._find_next()) is not None:
            if not await self._is_permitted(utterance):
                self._drop([utterance])
            elif utterance in self._waiting:  # not dropped meanwhile
                return self._start(utterance, stream)
        return None

    def _start_next_unrestricted(self, stream: OpusStream) -> Utterance | None:
        """Start the next utterance if anyone may hear it. One that has to be checked waits until its turn comes."""
        utterance = self._find_next()
        if utterance is None or not (utterance.permit is None or utterance.permit.is_unconditional()):
            return None
        return self._start(utterance, stream)

    async def _is_permitted(self, utterance: Utterance) -> bool:
        """Return whether all who listen may hear the utterance; refuse it where they may not."""
        permit = utterance.permit
        if permit is None or permit.is_unconditional():
            return True
        try:
            await permit.check()
        except UserError as refusal:
            logger.info("utterance refused", extra={"user": utterance.label.member_id, "detail": str(refusal)})
            utterance.refuse(refusal)
            return False
        return True

    def _find_next(self) -> Utterance | None:
        return next(iter(fair_order(self._waiting, self._served)), None)

    def _start(self, utterance: Utterance, stream: OpusStream) -> Utterance:
        self._waiting.remove(utterance)
        self._playing.append(utterance)
        if utterance.label.owner_id in self._served:
            self._served.remove(utterance.label.owner_id)
        self._served.append(utterance.label.owner_id)
        utterance.attach_to(stream)
        self._on_change()
        return utterance

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._play_waiting()
        except* VoiceLost as lost:
            extra = {"utterances": len(self._list_in_order()), "detail": str(lost.exceptions[0])}
            logger.info("voice queue dropped", extra=extra)
        except* Exception:
            # Whatever went wrong with these, what is added from now on is said.
            logger.exception("voice queue dropped", extra={"utterances": len(self._list_in_order())})
        finally:
            self._task = None
            self._drop(self._list_in_order())
            self._playing.clear()
            self._served.clear()
            self._idle_since = self._clock.monotonic()

    async def _play_waiting(self) -> None:
        """Play what waits, one after the other without a gap between them, until nothing is left.

        Raises:
            ExceptionGroup: of the one VoiceLost that says why nothing can be played.
        """
        stream = OpusStream(self._pool)
        try:
            async with asyncio.TaskGroup() as tasks:
                utterance = await self._start_next(stream)
                if utterance is None:
                    return
                await self._wait_until_ready(utterance)
                tasks.create_task(self._speaker.speak(stream), name="speaking")
                while utterance is not None:
                    utterance = await self._wait_until_finished(utterance, stream)
                stream.close()
        finally:
            stream.abandon()

    async def _wait_until_ready(self, utterance: Utterance) -> None:
        """Wait until there is audio to play, or nothing to wait for."""
        while not utterance.finished and not utterance.has_audio:
            await self._wait_for_change()
        if utterance.has_audio:
            await utterance.wait_until_ready()

    async def _wait_until_finished(self, utterance: Utterance, stream: OpusStream) -> Utterance | None:
        """Wait until `utterance` was played; return the next one, started as soon as all audio of this one came."""
        following: Utterance | None = None
        while not utterance.finished:
            if following is None and utterance.is_fully_received:
                following = self._start_next_unrestricted(stream)
            if not utterance.finished:
                await self._wait_for_change()
        self._playing.remove(utterance)
        if following is None:
            return await self._start_next(stream)
        await self._is_permitted(following)  # it was unconditional when it was started, which may be long ago
        return following

    async def _wait_for_change(self) -> None:
        await self._change.wait()
        self._change.clear()


def fair_order(waiting: Sequence[Utterance], served_ids: Sequence[int]) -> list[Utterance]:
    """Return `waiting`, given in the order in which they came, in fair order: least recently served first.

    Args:
        served_ids: owner ids, the one served last at the end.
    """
    left, served, order = list(waiting), list(served_ids), list[Utterance]()
    while left:
        least_recent = min(
            left, key=lambda each: served.index(each.label.owner_id) if each.label.owner_id in served else -1
        )
        left.remove(least_recent)
        order.append(least_recent)
        if least_recent.label.owner_id in served:
            served.remove(least_recent.label.owner_id)
        served.append(least_recent.label.owner_id)
    return order
