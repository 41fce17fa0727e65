"""The voice queue of one guild: one at a time, in order, fair, bounded, and what skipping and stopping do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from bot.audio.opus_stream import OpusStream
from bot.audio.pipeline import SILENCE
from bot.audio.worker_pool import WorkerPool
from bot.clock import SystemClock
from bot.errors import VoiceLost
from bot.messages.render import render
from bot.speech.utterance import Label, Utterance
from bot.speech.voice_queue import (
    MAX_WAITING,
    ListenersNotAllowed,
    NotYourUtterance,
    VoiceQueue,
    VoiceQueueFull,
    fair_order,
)
from tests.support.make_sound import mp3

ADA, BEN, CLEO = 1, 2, 3
DEADLINE_S = 20


class Listener:
    """A voice channel in which time passes as fast as it can, and stands still while `waits`."""

    def __init__(self) -> None:
        self.packets = 0
        self.talks = 0
        self.going = asyncio.Event()
        self.going.set()
        self.breaks = False

    async def speak(self, source: OpusStream) -> None:
        self.talks += 1
        while True:
            await self.going.wait()
            if self.breaks:
                raise VoiceLost("unplugged")
            packet = source.read()
            if not packet:
                return
            self.packets += packet != SILENCE
            await asyncio.sleep(0)


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def queue(pool: WorkerPool, listener: Listener) -> AsyncIterator[VoiceQueue]:
    queue = VoiceQueue(listener, pool, SystemClock())
    yield queue
    await queue.close()


def utterance(member_id: int, title: str = "Hello.", *, seconds: float | None = 0.1) -> Utterance:
    """Something to say; without `seconds` its sound is still to come."""
    made = Utterance(Label(member_id, f"Member {member_id}", title, len(title)))
    if seconds is not None:
        piece = made.add_chunk()
        piece.feed(mp3(seconds))
        piece.end()
        made.close()
    return made


async def until(done: Callable[[], bool]) -> None:
    """Let everything run until `done`."""
    async with asyncio.timeout(DEADLINE_S):
        while not done():  # noqa: ASYNC110 - most of what is waited for has no event, being nobody's business but a test's
            await asyncio.sleep(0.001)


def titles(queue: VoiceQueue) -> list[str]:
    return [each.label.title for each in queue.list_items()]


def test_who_has_not_had_the_word_for_longest_has_it_next() -> None:
    came = [(ADA, "A2"), (ADA, "A3"), (BEN, "B1"), (CLEO, "C1"), (BEN, "B2")]
    order = fair_order([utterance(member, title) for member, title in came], [ADA])
    assert [each.label.title for each in order] == ["B1", "C1", "A2", "B2", "A3"]


def test_what_shares_a_turn_keeps_its_order_whoever_it_is_from() -> None:
    came = [(ADA, "read 1", 9), (ADA, "read 2", 9), (BEN, "read 3", 9), (BEN, "B1", None)]
    labels = [Label(member, "", title, shared_owner_id=owner_id) for member, title, owner_id in came]
    assert [each.label.title for each in fair_order([Utterance(label) for label in labels], [])] == [
        "read 1",
        "B1",
        "read 2",
        "read 3",
    ]


async def test_everything_is_said_in_one_talk_and_the_line_is_idle_again(queue: VoiceQueue, listener: Listener) -> None:
    said = [utterance(member, seconds=0.2) for member in (ADA, BEN, ADA, CLEO)]
    assert [queue.add(each) for each in said] == [0, 1, 2, 2]
    await until(lambda: all(each.finished for each in said) and not queue.list_items())
    assert listener.talks == 1
    assert not any(each.dropped for each in said)
    assert 4 * 10 <= listener.packets <= 4 * 10 + 20  # 20 ms each, and what an MP3 has of silence at its ends
    await until(lambda: queue.idle_s > 0)


async def test_sound_that_comes_late_is_waited_for_and_told_when_to_come(queue: VoiceQueue, listener: Listener) -> None:
    first, second, third = (utterance(member, seconds=None) for member in (ADA, BEN, CLEO))
    for each in (first, second, third):
        queue.add(each)
    await until(lambda: first.due.is_set() and second.due.is_set())
    assert not third.due.is_set()
    assert listener.talks == 0
    for each in (first, second, third):
        piece = each.add_chunk()
        piece.feed(mp3(0.1))
        piece.end()
        each.close()
    await until(lambda: third.finished)


async def test_skip_takes_the_word_from_one_and_gives_it_to_the_next(queue: VoiceQueue, listener: Listener) -> None:
    listener.going.clear()
    hers, his = utterance(ADA, "hers", seconds=5), utterance(BEN, "his")
    queue.add(hers)
    queue.add(his)
    await until(lambda: listener.talks == 1)
    with pytest.raises(NotYourUtterance, match="another") as refusal:
        queue.skip(BEN, as_moderator=False)
    assert "Member 1" in render(refusal.value.message)
    assert titles(queue) == ["hers", "his"]
    assert queue.skip(ADA, as_moderator=False) == hers.label
    assert titles(queue) == ["his"]
    listener.going.set()
    await until(lambda: his.finished)
    assert not his.dropped
    assert listener.packets < 50  # of the 250 of hers


async def test_stop_drops_ones_own_or_everything(queue: VoiceQueue, listener: Listener) -> None:
    listener.going.clear()
    said = [utterance(member, f"{member}", seconds=5) for member in (ADA, BEN, ADA, CLEO)]
    for each in said:
        queue.add(each)
    assert queue.stop(ADA, as_moderator=False) == 2
    assert titles(queue) == ["2", "3"]
    assert queue.stop(CLEO, as_moderator=True) == 2
    assert queue.list_items() == []
    listener.going.set()
    await until(lambda: queue.idle_s > 0)
    assert queue.skip(ADA, as_moderator=True) is None


async def test_a_full_line_refuses_and_opens_again(queue: VoiceQueue, listener: Listener) -> None:
    listener.going.clear()
    for number in range(MAX_WAITING + 1):
        queue.add(utterance(number % 5, f"{number}", seconds=None))
    with pytest.raises(VoiceQueueFull):
        queue.add(utterance(ADA))
    queue.skip(0, as_moderator=True)
    queue.add(utterance(ADA))


async def test_something_new_to_say_gets_a_talk_of_its_own_after_a_silence(
    queue: VoiceQueue, listener: Listener
) -> None:
    for talks in (1, 2):
        queue.add(utterance(ADA))
        await until(lambda: queue.idle_s > 0)
        assert listener.talks == talks


async def test_a_lost_voice_drops_the_line_and_leaves_it_usable(queue: VoiceQueue, listener: Listener) -> None:
    listener.breaks = True
    said = [utterance(ADA, seconds=1), utterance(BEN, seconds=None)]
    for each in said:
        queue.add(each)
    await until(lambda: all(each.dropped for each in said))
    await until(lambda: queue.idle_s > 0)
    listener.breaks = False
    again = utterance(CLEO)
    queue.add(again)
    await until(lambda: again.finished)
    assert not again.dropped


async def test_what_cannot_be_played_is_passed_over(queue: VoiceQueue, listener: Listener) -> None:
    broken = utterance(ADA, seconds=None)
    piece = broken.add_chunk()
    piece.feed(b'{"error": "no sound"}' * 50)
    piece.end()
    broken.close()
    empty, fine = utterance(BEN, seconds=None), utterance(CLEO)
    empty.close()
    for each in (broken, empty, fine):
        queue.add(each)
    await until(lambda: broken.finished and empty.finished and fine.finished)
    assert listener.packets >= 5


class Gatekeeper:
    """Says who may hear what at the moment."""

    def __init__(self, *, is_unconditional: bool = False) -> None:
        self.admits = True
        self.asked = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self._unconditional = is_unconditional

    async def check(self) -> None:
        self.asked += 1
        await self.answering.wait()
        if not self.admits:
            raise ListenersNotAllowed

    def is_unconditional(self) -> bool:
        return self._unconditional and self.admits

    def is_granted(self) -> bool:
        return self.admits


def permitted(member_id: int, permit: Gatekeeper, title: str = "Hello.", *, seconds: float = 0.1) -> Utterance:
    made = Utterance(Label(member_id, f"Member {member_id}", title, len(title)), permit=permit)
    piece = made.add_chunk()
    piece.feed(mp3(seconds))
    piece.end()
    made.close()
    return made


async def test_it_is_asked_when_its_turn_comes_whether_something_may_be_heard(
    queue: VoiceQueue, listener: Listener
) -> None:
    gate = Gatekeeper()
    listener.going.clear()
    first, second, third = utterance(ADA), permitted(BEN, gate), utterance(CLEO)
    for each in (first, second, third):
        queue.add(each)
    await until(lambda: first.is_fully_received and len(queue.list_items()) == 3 and listener.talks == 1)
    assert gate.asked == 0
    gate.admits = False
    listener.going.set()
    await until(lambda: not queue.list_items())
    assert gate.asked == 1
    assert isinstance(second.refusal, ListenersNotAllowed)
    assert (first.dropped, third.dropped) == (False, False)
    assert second.remaining_s is not None
    assert second.remaining_s > 0


async def test_what_anybody_may_hear_follows_without_being_asked_about(queue: VoiceQueue, listener: Listener) -> None:
    open_to_all, not_any_more = Gatekeeper(is_unconditional=True), Gatekeeper(is_unconditional=True)
    not_any_more.admits = False
    said, unsaid = permitted(BEN, open_to_all), permitted(CLEO, not_any_more)
    for each in (utterance(ADA), said, unsaid):
        queue.add(each)
    await until(lambda: not queue.list_items())
    assert (open_to_all.asked, not_any_more.asked) == (0, 1)
    assert (said.dropped, unsaid.dropped) == (False, True)


async def test_what_is_said_ends_when_somebody_comes_who_may_not_hear_it(queue: VoiceQueue, listener: Listener) -> None:
    gate, other = Gatekeeper(), Gatekeeper()
    said, waiting = permitted(ADA, gate, seconds=30), permitted(BEN, other)
    queue.add(said)
    queue.add(waiting)
    await until(lambda: listener.packets > 10)
    queue.recheck()
    assert not said.dropped
    gate.admits = False
    queue.recheck()
    assert isinstance(said.refusal, ListenersNotAllowed)
    await until(lambda: not queue.list_items())
    assert listener.packets < 1_000
    assert not waiting.dropped


async def test_nothing_is_said_while_nobody_knows_and_a_drop_meanwhile_holds(
    queue: VoiceQueue, listener: Listener
) -> None:
    gate = Gatekeeper()
    gate.answering.clear()
    asked_about = permitted(ADA, gate)
    queue.add(asked_about)
    await until(lambda: gate.asked == 1)
    assert queue.stop(ADA, as_moderator=False) == 1
    gate.answering.set()
    await until(lambda: queue.idle_s > 0)
    assert (listener.packets, asked_about.refusal) == (0, None)


async def test_after_any_fault_at_all_what_comes_next_is_said(
    pool: WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    class OnceBroken(Listener):
        async def speak(self, source: OpusStream) -> None:
            if not self.talks:
                self.talks += 1
                raise RuntimeError("odd")
            await super().speak(source)

    queue = VoiceQueue(OnceBroken(), pool, SystemClock())
    first, second = utterance(ADA), utterance(BEN)
    queue.add(first)
    await until(lambda: first.dropped and queue.list_items() == [])
    queue.add(second)
    await until(lambda: second.finished)
    assert not second.dropped
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == ["voice queue dropped"]
    await queue.close()


async def test_what_was_let_in_early_is_asked_about_once_more_when_it_begins(
    queue: VoiceQueue, listener: Listener
) -> None:
    gate = Gatekeeper(is_unconditional=True)
    before, following = utterance(ADA, seconds=2), permitted(BEN, gate, seconds=30)
    listener.going.clear()
    queue.add(before)
    queue.add(following)
    await until(lambda: listener.talks == 1 and following.has_audio)
    gate.admits = False
    listener.going.set()
    await until(lambda: not queue.list_items())
    assert isinstance(following.refusal, ListenersNotAllowed)
    assert not before.dropped
    assert listener.packets < 1_000
