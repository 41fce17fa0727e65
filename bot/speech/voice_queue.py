"""What is to be said in one server: one utterance at a time, in order, fair between members, and bounded."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import WorkerPool
from bot.clock import Clock
from bot.errors import UserError, VoiceLost
from bot.messages.message import plain
from bot.speech.utterance import Label, Speaker, Utterance

LONGEST: Final = 20
"""So many utterances may wait behind the one that is being said."""

log = logging.getLogger(__name__)


class NotForAll(UserError):
    """Somebody who listens may not read what would be said, or nobody can tell."""

    message = plain("Not everybody who listens may read along there, so I don't say it aloud.")


class VoiceQueueFull(UserError):
    """More waits to be said in a server than anybody wants to listen to."""

    message = plain("There are 20 things waiting to be said already. Please try again when some of them are through.")


class NotYourClip(UserError):
    """Somebody wants to take the word from another member."""

    def __init__(self, member: str) -> None:
        super().__init__(
            "another member's utterance",
            message=plain(f"That one is {member}'s. You can skip what is yours; moderators can skip everything."),
        )


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An entry of the queue as people see it; `left_s` is about how many seconds of it are still to come, if known."""

    label: Label
    left_s: float | None


class VoiceQueue:
    """The line of one server. `close` it when the bot leaves the voice channel.

    Fair: who has not had the word for longest has it next; members' own utterances stay in their order.
    """

    def __init__(self, speaker: Speaker, pool: WorkerPool, clock: Clock) -> None:
        self._speaker = speaker
        self._pool = pool
        self._clock = clock
        self._taken: list[Utterance] = []  # what is being said, and what follows it in the same talk already
        self._waiting: list[Utterance] = []  # in the order in which they came
        self._had_word: list[int] = []  # whose turns were had, the last one at the end
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._idle_since = clock.monotonic()

    @property
    def idle_s(self) -> float:
        """For how many seconds nothing has been said and nothing waits; 0 while something does."""
        return self._clock.monotonic() - self._idle_since if self._task is None else 0.0

    def check_room(self) -> None:
        """Do nothing if one more may wait.

        Raises:
            VoiceQueueFull: it may not.
        """
        if self._closed or len(self._in_order()) > LONGEST:
            raise VoiceQueueFull

    def add(self, utterance: Utterance) -> int:
        """Put `utterance` on the line, and return how many will be said before it.

        Raises:
            VoiceQueueFull: too many wait already.
        """
        self.check_room()
        self._waiting.append(utterance)
        utterance.on_change = self._news.set
        self._changed()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="line")
        return self._in_order().index(utterance)

    def listed(self) -> list[QueueItem]:
        """Tell what is being said and what waits, in order."""
        return [QueueItem(each.label, each.left_s) for each in self._in_order()]

    def skip(self, member_id: int, *, any_ones: bool) -> Label | None:
        """Take the word from what is being said; return what that was, None where nothing is.

        Args:
            member_id: who wants it.
            any_ones: whether they may take it from others.

        Raises:
            NotYourClip: it is another member's, and they may not.
        """
        current = next(iter(self._in_order()), None)
        if current is None:
            return None
        if current.label.member_id != member_id and not any_ones:
            raise NotYourClip(current.label.member)
        self._drop([current])
        return current.label

    def stop(self, member_id: int, *, any_ones: bool) -> int:
        """Drop everything of this member, or with `any_ones` of everybody; return how many utterances that were."""
        dropped = [each for each in self._in_order() if any_ones or each.label.member_id == member_id]
        self._drop(dropped)
        return len(dropped)

    def recheck(self) -> None:
        """Drop what is being said and may not be heard by all who listen now. What waits is asked about in its turn."""
        for utterance in [each for each in self._taken if each.permit is not None and not each.permit.holds()]:
            log.info("no longer said", extra={"member": utterance.label.member_id})
            utterance.refuse(NotForAll())
        self._changed()

    async def close(self) -> None:
        """Drop everything, and be silent for good."""
        self._closed = True
        self._drop(self._in_order())
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _in_order(self) -> list[Utterance]:
        return [*(each for each in self._taken if not each.over), *in_turn(self._waiting, self._had_word)]

    def _drop(self, utterances: list[Utterance]) -> None:
        self._waiting = [each for each in self._waiting if each not in utterances]
        for utterance in utterances:
            utterance.drop()
        self._changed()

    def _changed(self) -> None:
        """Let the sound of what comes next be asked for, so that it is there when it is needed."""
        for utterance in in_turn(self._waiting, self._had_word)[:1]:
            utterance.near.set()
        self._news.set()

    async def _next(self, talk: OpusStream) -> Utterance | None:
        """Let what comes next and may be heard now be heard in `talk`; None where nothing waits any more."""
        while (utterance := self._first()) is not None:
            if not await self._permitted(utterance):
                self._drop([utterance])
            elif utterance in self._waiting:  # not dropped meanwhile
                return self._take(utterance, talk)
        return None

    def _next_unasked(self, talk: OpusStream) -> Utterance | None:
        """Do as `_next` does with what may be heard by anybody: what waits for its very turn is left waiting."""
        utterance = self._first()
        if utterance is None or not (utterance.permit is None or utterance.permit.stands()):
            return None
        return self._take(utterance, talk)

    async def _permitted(self, utterance: Utterance) -> bool:
        """Ask whether all who listen may hear it; it is refused where they may not."""
        permit = utterance.permit
        if permit is None or permit.stands():
            return True
        try:
            await permit.check()
        except UserError as refusal:
            log.info("not said", extra={"member": utterance.label.member_id, "detail": str(refusal)})
            utterance.refuse(refusal)
            return False
        return True

    def _first(self) -> Utterance | None:
        return next(iter(in_turn(self._waiting, self._had_word)), None)

    def _take(self, utterance: Utterance, talk: OpusStream) -> Utterance:
        self._waiting.remove(utterance)
        self._taken.append(utterance)
        if utterance.label.turn in self._had_word:
            self._had_word.remove(utterance.label.turn)
        self._had_word.append(utterance.label.turn)
        utterance.onto(talk)
        self._changed()
        return utterance

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._talk()
        except* VoiceLost as lost:
            log.info("line dropped", extra={"utterances": len(self._in_order()), "detail": str(lost.exceptions[0])})
        except* Exception:
            # Whatever went wrong with these, what is put on the line from now on is said.
            log.exception("line dropped", extra={"utterances": len(self._in_order())})
        finally:
            self._task = None
            self._drop(self._in_order())
            self._taken.clear()
            self._had_word.clear()
            self._idle_since = self._clock.monotonic()

    async def _talk(self) -> None:
        """Say what waits, one after the other without a gap between them, until nothing is left.

        Raises:
            ExceptionGroup: of the one VoiceLost that says why it cannot be said.
        """
        talk = OpusStream(self._pool)
        try:
            async with asyncio.TaskGroup() as tasks:
                utterance = await self._next(talk)
                if utterance is None:
                    return
                await self._until_ready(utterance)
                tasks.create_task(self._speaker.speak(talk), name="speaking")
                while utterance is not None:
                    utterance = await self._successor(utterance, talk)
                talk.close()
        finally:
            talk.abandon()

    async def _until_ready(self, utterance: Utterance) -> None:
        """Wait until there is something to play, or nothing to wait for."""
        while not utterance.over and not utterance.begun:
            await self._anything_new()
        if utterance.begun:
            await utterance.ready()

    async def _successor(self, utterance: Utterance, talk: OpusStream) -> Utterance | None:
        """Hear `utterance` to its end; return what was let in behind it as soon as its own sound was all there."""
        following: Utterance | None = None
        while not utterance.over:
            if following is None and utterance.fed:
                following = self._next_unasked(talk)
            if not utterance.over:
                await self._anything_new()
        self._taken.remove(utterance)
        if following is None:
            return await self._next(talk)
        await self._permitted(following)  # it stood when it was let in, which may be long ago
        return following

    async def _anything_new(self) -> None:
        await self._news.wait()
        self._news.clear()


def in_turn(waiting: Sequence[Utterance], had_word: Sequence[int]) -> list[Utterance]:
    """Put `waiting`, which are in the order in which they came, in the order in which they have the word.

    Args:
        had_word: whose turns were had, the last one at the end.
    """
    left, served, order = list(waiting), list(had_word), list[Utterance]()
    while left:
        longest_ago = min(left, key=lambda each: served.index(each.label.turn) if each.label.turn in served else -1)
        left.remove(longest_ago)
        order.append(longest_ago)
        if longest_ago.label.turn in served:
            served.remove(longest_ago.label.turn)
        served.append(longest_ago.label.turn)
    return order
