"""A voice connection that can't be made anew: how often it is tried, and when the bot gives up."""

import asyncio
import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bot.audio.pool import Pool
from bot.errors import VoiceLost
from bot.ui.voice import session as voice_session
from bot.ui.voice.endings import GAVE_UP
from bot.ui.voice.link import NoLink
from bot.ui.voice.session import GIVE_UP_AFTER_S, Session
from tests.support.clock import FakeClock


class BrokenLink:
    """A connection as the session sees it, lost to a 4006."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.removed = False
        self.close_code = 4006
        self.reassigned = None
        self.guild = SimpleNamespace(id=1, me=SimpleNamespace(id=2), get_channel=lambda _: None)
        self.channel = SimpleNamespace(id=3, guild=self.guild, voice_states={})

    def is_connected(self) -> bool:
        return not self.ended.is_set()

    def lose(self) -> None:
        self.ended.set()

    async def closed(self) -> None:
        """Nothing is left of it as soon as it has ended."""

    async def disconnect(self, *, force: bool) -> None:
        self.ended.set()


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        yield pool


def session_of(
    link: Any, clock: FakeClock, pool: Pool, losses: list[VoiceLost]
) -> Session:  # Any: it stands in for one
    return Session(link, pool, clock, text_channel_id=4, lost=lambda _, loss: losses.append(loss))


async def test_it_tries_again_and_again_with_longer_pauses_and_gives_up_after_a_minute(
    monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    clock, link, losses, tries = FakeClock(), BrokenLink(), list[VoiceLost](), list[float]()

    async def open_link(*_: object) -> None:
        tries.append(clock.monotonic())
        raise NoLink("refused", close_code=4006)

    monkeypatch.setattr(voice_session, "open_link", open_link)
    session = session_of(link, clock, pool, losses)
    link.ended.set()
    await clock.advance(GIVE_UP_AFTER_S - 1)
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses[:5] == [0.5, 1, 2, 4, 8]
    assert len(tries) >= 8
    await clock.advance(1)
    assert [loss.sentence for loss in losses] == [GAVE_UP]
    with pytest.raises(VoiceLost):
        await session.speak(SimpleNamespace(read=lambda: b"\xf8\xff\xfe"))


async def test_a_refusal_that_will_not_change_ends_it_at_once(monkeypatch: pytest.MonkeyPatch, pool: Pool) -> None:
    clock, link, losses = FakeClock(), BrokenLink(), list[VoiceLost]()

    async def open_link(*_: object) -> None:
        raise NoLink("refused", close_code=4017)

    monkeypatch.setattr(voice_session, "open_link", open_link)
    session = session_of(link, clock, pool, losses)
    link.ended.set()
    await clock.advance(1)
    assert "end-to-end encryption" in losses[0].sentence
    await session.leave()
